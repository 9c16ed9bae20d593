// A head in detail: its attention on any prompt, and its effect on every prompt.
const prompts = [...(document.getElementById('all-prompts')?.tBodies[0]?.rows ?? [])];
const attention = data.attention;
const weights = Uint8Array.from(atob(attention.weights), (c) => c.charCodeAt(0));
const lengths = attention.tokens.map((tokens) => tokens.length);
const triangle = (n) => (n * (n + 1)) / 2;
const perHead = lengths.reduce((sum, n) => sum + triangle(n), 0);
const rowText = (row, column) => row.cells[column]?.textContent ?? '';
const promptTexts = attention.tokens.length
  ? attention.tokens.map((tokens, i) => (prompts[i] ? rowText(prompts[i], 1) : tokens.join('')))
  : prompts.map((row) => rowText(row, 1));

const select = element('select', { id: 'head-prompt' });
promptTexts.forEach((text, i) => select.append(element('option', { value: i, text: `${i}: ${text.slice(0, 80)}` })));
const headSelect = element('select', { id: 'head-choice' });
for (const head of attention.heads) headSelect.append(element('option', { value: head, text: head }));
const close = element('button', { type: 'button', text: 'Close' });
const title = element('h2');
const picture = element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Attention pattern' });
const listTitle = element('p');
const list = element('ol', { class: 'effects' });
const panel = element('aside', { id: 'head', 'aria-label': 'One head', hidden: '' },
  element('header', {}, title, close), element('label', { text: 'head ' }, headSelect), element('label', { text: ' prompt ' }, select), picture, listTitle, list);
document.body.append(panel);

const kSvg = 'http://www.w3.org/2000/svg';
function shape(tag, attributes, text) {
  const made = document.createElementNS(kSvg, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}
const shortened = (text) => (text.length > 14 ? `${text.slice(0, 13)}…` : text).replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, '·');

function weightsOf(head, prompt) {
  let at = attention.heads.indexOf(head) * perHead;
  for (let i = 0; i < prompt; i += 1) at += triangle(lengths[i]);
  return (query, key) => {
    const byte = 2 * (at + triangle(query) + key);
    return (weights[byte] + 256 * weights[byte + 1]) / 65535;
  };
}

function drawAttention(head, prompt) {
  picture.replaceChildren();
  if (!attention.heads.includes(head)) {
    const how = data.attentionCommand
      ? `This page has no attention patterns of head ${head}. Make them, and draw the report of both folders, this one's and heads: ${data.attentionCommand.replaceAll('HEAD', head)}`
      : `This page has no attention patterns of head ${head}: add a result of attention_patterns with --nodes ${head} --dest-positions every --src-positions every --side clean.`;
    picture.append(element('p', { text: how }));
    return;
  }
  const tokens = attention.tokens[prompt];
  const weight = weightsOf(head, prompt);
  const cell = Math.max(9, Math.min(20, Math.floor(330 / tokens.length)));
  const left = 110;
  const size = left + tokens.length * cell + 6;
  const svg = shape('svg', {
    width: size, height: size, viewBox: `0 0 ${size} ${size}`, 'font-size': Math.min(12, cell), role: 'img',
    'font-family': 'DejaVu Sans, Verdana, sans-serif', 'aria-label': `Attention of head ${head} on prompt ${prompt}`,
  });
  tokens.forEach((token, query) => {
    const y = query * cell + 4;
    svg.append(shape('text', { x: left - 6, y: y + cell * 0.75, 'text-anchor': 'end', class: 'ink' }, shortened(token)));
    const x = left + query * cell + cell * 0.75;
    const below = tokens.length * cell + 10;
    svg.append(shape('text', { x, y: below, 'text-anchor': 'end', class: 'ink', transform: `rotate(-90 ${x} ${below})` }, shortened(token)));
    for (let key = 0; key <= query; key += 1) {
      const value = weight(query, key);
      const square = shape('rect', {
        x: left + key * cell, y, width: cell, height: cell, class: 'cell', fill: data.ramp[Math.round(255 * value)],
        'data-query': query, 'data-key': key,
      });
      square.append(shape('title', {}, `${token} → ${tokens[key]}: ${value.toFixed(4)}`));
      svg.append(square);
    }
  });
  picture.append(svg);
}

// The cell of this head in a table by layer and head or by node; the first where there are several.
function cellOf(table, head) {
  const [layer, number] = head.split('.');
  const cells = Object.values(table.effects)[0].length;
  for (let cell = 0; cell < cells; cell += 1) {
    const labels = labelsOf(table, cell);
    const named = (name) => labels[table.axes.findIndex((axis) => axis.name === name)];
    if (named('node') === head || (named('layer') === layer && named('head') === number)) return cell;
  }
  return -1;
}

function listEffects(head) {
  list.replaceChildren();
  listTitle.textContent = '';
  const id = state.get('table');
  const table = Object.hasOwn(data.tables, id ?? '') ? data.tables[id] : undefined;
  const cell = table ? cellOf(table, head) : -1;
  if (cell < 0) return;
  const values = table.values[cell].map((value, i) => (value === null ? null : value - (table.base[i] ?? 0)));
  const largest = Math.max(...values.map((value) => Math.abs(value ?? 0)), 1e-12);
  const where = labelsOf(table, cell).map((label, i) => `${table.axes[i].name} ${label}`).join(', ');
  listTitle.textContent = `${table.metric}, raw effect on every prompt (${where}):`;
  values.forEach((value, i) => {
    const bar = element('i');
    bar.style.width = `${(100 * Math.abs(value ?? 0)) / largest}%`;
    bar.style.background = (value ?? 0) < 0 ? '#4393c3' : '#d6604d';
    list.append(element('li', {}, element('span', { text: i }), bar, element('span', { text: value === null ? '–' : value.toFixed(3) })));
  });
}

function promptNow() {
  const chosen = Number(state.get('prompt') ?? 0);
  return Number.isInteger(chosen) && chosen >= 0 && chosen < promptTexts.length ? chosen : 0;
}

function showHead() {
  const head = state.get('head');
  panel.hidden = !head || !/^\d+\.\d+$/.test(head);
  prompts.forEach((row, i) => row.classList.toggle('chosen', state.has('prompt') && Number(rowText(row, 0)) === promptNow()));
  if (panel.hidden) return;
  title.textContent = `Head ${head}`;
  headSelect.value = attention.heads.includes(head) ? head : '';
  select.value = promptNow();
  drawAttention(head, promptNow());
  listEffects(head);
}

close.addEventListener('click', () => change('head', null));
panel.addEventListener('keydown', (event) => { if (event.key === 'Escape') change('head', null); });
headSelect.addEventListener('change', () => change('head', headSelect.value));
select.addEventListener('change', () => change('prompt', select.value));
follow('head', showHead);
follow('prompt', showHead);
