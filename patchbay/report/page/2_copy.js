// Figures as CSV, SVG and PNG: to the clipboard, or as a file where there is none.
const kStyle = document.querySelector('style').textContent.split('\n').slice(0, 2).join('\n');

function saveFile(name, blob) {
  const link = element('a', { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

async function hand(button, name, blob) {
  let how = 'copied';
  try {
    if (blob.type.startsWith('image/png')) await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]);
    else await navigator.clipboard.writeText(await blob.text());
  } catch {
    saveFile(name, blob);
    how = 'saved';
  }
  const before = button.textContent;
  button.textContent = how;
  button.dataset.done = how;
  setTimeout(() => { button.textContent = before; }, 1200);
}

const csvField = (text) => (/[",\r\n]/.test(text) ? `"${String(text).replaceAll('"', '""')}"` : String(text));
const csvLine = (fields) => `${fields.map((field) => csvField(field ?? '')).join(',')}\r\n`;

// Labels of a cell, one for each axis; cells count with the last axis fastest.
function labelsOf(table, cell) {
  const labels = [];
  for (let i = table.axes.length - 1; i >= 0; i -= 1) {
    const names = table.axes[i].labels;
    labels.unshift(names[cell % names.length]);
    cell = Math.floor(cell / names.length);
  }
  return labels;
}

function tableCsv(table, effect) {
  let csv = csvLine([...table.axes.map((axis) => axis.name), effect, 'standard_error', 'low', 'high', 'n', 'p_holm']);
  table.effects[effect].forEach((summary, cell) => {
    csv += csvLine([...labelsOf(table, cell), ...summary, table.p[cell]]);
  });
  return csv;
}

const rowsCsv = (rows) => [...rows.querySelectorAll('tr')]
  .map((row) => csvLine([...row.cells].map((cell) => cell.textContent))).join('');

function svgText(svg) {
  const copy = svg.cloneNode(true);
  copy.querySelectorAll('[tabindex]').forEach((node) => node.removeAttribute('tabindex'));
  const style = document.createElementNS('http://www.w3.org/2000/svg', 'style');
  style.textContent = kStyle;
  copy.prepend(style);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(copy)}`;
}

function pngBlob(svg) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => {
      const canvas = element('canvas');
      canvas.width = 2 * image.width;
      canvas.height = 2 * image.height;
      canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
      URL.revokeObjectURL(image.src);
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('too large'))), 'image/png');
    };
    image.onerror = reject;
    image.src = URL.createObjectURL(new Blob([svgText(svg)], { type: 'image/svg+xml' }));
  });
}
