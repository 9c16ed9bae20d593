// Tools above each figure, values under the pointer, and cells that the keyboard reaches.
const tip = element('div', { id: 'tip', role: 'status', hidden: '' });
document.body.append(tip);

const shortNumber = (value) => (value === null ? '-' : String(Number(Number(value).toPrecision(4))));

// What a picture of another effect says about a cell.
function sentenceFromData(cell) {
  const table = data.tables[cell.closest('figure')?.dataset.table];
  const effect = cell.closest('.variant')?.dataset.effect;
  const summary = table?.effects[effect]?.[Number(cell.dataset.cell)];
  if (!summary) return '';
  const [value, error, low, high, n] = summary;
  const where = labelsOf(table, Number(cell.dataset.cell)).map((label, i) => `${table.axes[i].name} ${label}`).join(', ');
  const p = table.p[Number(cell.dataset.cell)];
  const between = low === null ? '' : `, 95 % interval ${shortNumber(low)} … ${shortNumber(high)}, standard error ${shortNumber(error)}`;
  const tested = typeof p === 'number' ? `, p ${p < 1e-4 ? '< 0.0001' : `= ${p.toFixed(4)}`} (Holm)` : '';
  const prompts = table.values[0].length;
  return `${where}: ${effect} ${shortNumber(value)}${between}${tested}, n = ${n}${n < prompts ? ` of ${prompts}` : ''}`;
}

// The browser's own tooltip would come as well, so the title becomes the label.
function sentenceOf(cell) {
  const title = cell.querySelector(':scope > title');
  if (title) {
    cell.setAttribute('aria-label', title.textContent);
    title.remove();
  } else if (!cell.hasAttribute('aria-label')) {
    const sentence = sentenceFromData(cell);
    if (sentence) cell.setAttribute('aria-label', sentence);
  }
  return cell.getAttribute('aria-label');
}

function showTip(cell) {
  const text = sentenceOf(cell);
  if (!text) return;
  tip.textContent = text;
  tip.hidden = false;
  const box = cell.getBoundingClientRect();
  const left = Math.min(Math.max(box.left, 8), innerWidth - tip.offsetWidth - 8);
  const above = box.top - tip.offsetHeight - 6;
  tip.style.left = `${Math.max(left, 8)}px`;
  tip.style.top = `${above > 4 ? above : box.bottom + 6}px`;
}

function pressed(cell) {
  const holder = cell.closest('[data-head]');
  const figure = cell.closest('figure');
  if (!holder || !holder.dataset.head || !figure) return;
  if (figure.dataset.table) state.set('table', figure.dataset.table);
  change('head', holder.dataset.head);
}

// One cell of a picture is reached by Tab, the others by arrows.
function reachable(svg) {
  const cells = [...svg.querySelectorAll('.cell[data-cell]')];
  if (!cells.length) return;
  svg.setAttribute('role', 'group');
  cells.forEach((cell, i) => {
    cell.setAttribute('tabindex', i === 0 ? '0' : '-1');
    cell.setAttribute('role', cell.closest('[data-head]') ? 'button' : 'img');
    sentenceOf(cell);
  });
  svg.addEventListener('keydown', (event) => {
    const from = cells.indexOf(document.activeElement);
    if (from < 0) return;
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      pressed(cells[from]);
      return;
    }
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
    if (dx === undefined) return;
    event.preventDefault();
    const here = cells[from].getBoundingClientRect();
    let best = null;
    let distance = Infinity;
    for (const cell of cells) {
      const box = cell.getBoundingClientRect();
      const x = box.left + box.width / 2 - here.left - here.width / 2;
      const y = box.top + box.height / 2 - here.top - here.height / 2;
      const along = x * dx + y * dy;
      const aside = Math.abs(x * dy) + Math.abs(y * dx);
      if (along > 1 && along + 4 * aside < distance) {
        best = cell;
        distance = along + 4 * aside;
      }
    }
    if (!best) return;
    cells[from].setAttribute('tabindex', '-1');
    best.setAttribute('tabindex', '0');
    best.focus();
  });
}

document.addEventListener('pointerover', (event) => {
  const cell = event.target.closest?.('svg .cell');
  if (cell) showTip(cell);
  else tip.hidden = true;
});
document.addEventListener('focusin', (event) => {
  const cell = event.target.closest?.('svg .cell');
  if (cell && cell.matches(':focus-visible')) showTip(cell);
  else tip.hidden = true;
});
document.addEventListener('click', (event) => {
  const cell = event.target.closest?.('svg [data-head]');
  if (cell) pressed(cell);
});
addEventListener('keydown', (event) => { if (event.key === 'Escape') tip.hidden = true; });
addEventListener('scroll', () => { tip.hidden = true; }, { passive: true });

const shownVariant = (figure) => figure.querySelector('.variant:not([hidden])') ?? figure;

function button(label, tools, act) {
  const made = element('button', { type: 'button', text: label });
  made.addEventListener('click', () => act(made));
  tools.append(made);
}

for (const figure of document.querySelectorAll('figure')) {
  const tools = element('div', { class: 'tools' });
  const variants = [...figure.querySelectorAll('.variant')];
  const table = data.tables[figure.dataset.table];
  const name = figure.id.replace(/^figure-/, '') || 'figure';
  const effects = variants.map((variant) => variant.dataset.effect);
  if (effects.length > 1) {
    const select = element('select');
    for (const effect of effects) select.append(element('option', { value: effect, text: effect }));
    tools.append(element('label', { text: 'effect ' }, select));
    const key = `effect.${name}`;
    select.addEventListener('change', () => change(key, select.value === effects[0] ? null : select.value));
    follow(key, () => {
      const chosen = known(key, effects, effects[0]);
      select.value = chosen;
      for (const variant of variants) variant.hidden = variant.dataset.effect !== chosen;
    });
  }
  const effectNow = () => shownVariant(figure).dataset.effect ?? table?.effect;
  if (table) {
    button('CSV', tools, (made) => hand(made, `${name}.csv`, new Blob([tableCsv(table, effectNow())], { type: 'text/csv' })));
  }
  if (figure.querySelector('svg')) {
    button('SVG', tools, (made) => hand(made, `${name}.svg`, new Blob([svgText(shownVariant(figure).querySelector('svg'))], { type: 'image/svg+xml' })));
    button('PNG', tools, async (made) => hand(made, `${name}.png`, await pngBlob(shownVariant(figure).querySelector('svg'))));
  }
  if (tools.childElementCount) figure.prepend(tools);
  figure.querySelectorAll('svg').forEach(reachable);
}
