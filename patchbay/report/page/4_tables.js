// Tables that sort by a click on their heading and show only rows with some text in them.
const numberIn = (text) => {
  const number = parseFloat(text.replace(/^p\s*=?\s*/, ''));
  return Number.isNaN(number) ? -Infinity : number;
};

for (const rows of document.querySelectorAll('table.rows')) {
  const body = rows.tBodies[0];
  const original = [...body.rows];
  if (original.length < 2) continue;
  const heads = [...rows.tHead.rows[0].cells];
  const sortKey = `sort.${rows.id}`;
  const filterKey = `filter.${rows.id}`;
  heads.forEach((head, column) => {
    const made = element('button', { type: 'button', text: head.textContent });
    head.textContent = '';
    head.append(made);
    // Down, up, and as it was.
    made.addEventListener('click', () => {
      const now = state.get(sortKey);
      change(sortKey, now === `${column}d` ? `${column}u` : now === `${column}u` ? null : `${column}d`);
    });
  });
  follow(sortKey, (value) => {
    const [, column, way] = /^(\d+)([du])$/.exec(value ?? '') ?? [];
    const order = [...original];
    heads.forEach((head) => head.removeAttribute('aria-sort'));
    if (column !== undefined && heads[column]) {
      const numeric = heads[column].classList.contains('number');
      const sign = way === 'd' ? -1 : 1;
      order.sort((a, b) => {
        const [left, right] = [a.cells[column].textContent, b.cells[column].textContent];
        return sign * (numeric ? numberIn(left) - numberIn(right) : left.localeCompare(right));
      });
      heads[column].setAttribute('aria-sort', way === 'd' ? 'descending' : 'ascending');
    }
    body.append(...order);
  });
  if (original.length < 6) continue;
  const input = element('input', { type: 'search', size: '18' });
  const tools = element('div', { class: 'tools' }, element('label', { text: 'only rows with ' }, input));
  rows.closest('.scroll').before(tools);
  input.addEventListener('input', () => change(filterKey, input.value));
  follow(filterKey, (value) => {
    if (document.activeElement !== input) input.value = value ?? '';
    const wanted = (value ?? '').toLowerCase();
    for (const row of original) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
}
