// Opens reports as a reader does: from disk, by pointer and by keyboard, on small screens, without
// scripts, and with texts that try to be markup.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const kStudies = ['figure_3b', 'ioi_lab', 'ioi_paper'];
const kMostBytes = 1.5e6;
const kArguments = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--no-first-run'];
const kHostile = ['</script><script>window.ran = 1</script>', '<img src=x onerror="window.ran = 1">',
  '"><svg onload="window.ran = 1">', 'x'.repeat(1 << 20), "'; window.ran = 1; //"];

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'patchbay-browser-'));
const screenshots = path.resolve('screenshots');
const axe = fs.readFileSync('node_modules/axe-core/axe.min.js', 'utf8');
const patchbay = (...words) => execFileSync(process.env.PATCHBAY, [...words, '--quiet'], { cwd: folder, stdio: 'pipe' });
const address = (name, fragment = '') => `file://${folder}/${name}/report.html${fragment}`;
let browser;

before(async () => {
  fs.mkdirSync(screenshots, { recursive: true });
  for (const study of kStudies) patchbay('study', study, '--out', study);
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: kArguments });
});
after(async () => {
  await browser?.close();
  fs.rmSync(folder, { recursive: true });
});

// A page whose requests, messages and dialogs are kept.
async function open(where, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const seen = { requests: [], messages: [] };
  page.on('request', (request) => seen.requests.push(request.url()));
  page.on('console', (message) => seen.messages.push(message.text()));
  page.on('pageerror', (error) => seen.messages.push(String(error)));
  page.on('dialog', (dialog) => { seen.messages.push(dialog.message()); dialog.dismiss(); });
  await page.goto(where);
  return { page, seen, context };
}
const fragment = (page) => page.evaluate(() => location.hash);

test('a report is one small file that asks for nothing and says nothing on the console', async () => {
  for (const study of kStudies) {
    assert.ok(fs.statSync(path.join(folder, study, 'report.html')).size <= kMostBytes, study);
    const { page, seen, context } = await open(address(study));
    const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
    console.log(`${study}: first paint after ${Math.round(paint)} ms`);
    // Every kind of figure is used once.
    for (const cell of await page.locator('svg .cell:visible').all()) {
      await cell.hover({ force: true });
      break;
    }
    await page.screenshot({ path: path.join(screenshots, `${study}.png`), fullPage: true });
    assert.deepEqual(seen.requests, [address(study)]);
    assert.deepEqual(seen.messages, []);
    await context.close();
  }
});

test('a click on a head shows its attention on the chosen prompt and its effect on every prompt', async () => {
  const { page, seen, context } = await open(address('ioi_paper'));
  const picture = () => page.locator('#head svg').evaluate((svg) => svg.outerHTML);
  const cells = (head) => page.locator(`#figure-to_logits-heat_map .variant:not([hidden]) .cell[data-head="${head}"]`);
  await cells('1.1').click();
  assert.equal(await page.locator('#head h2').textContent(), 'Head 1.1');
  const first = await picture();
  assert.equal(await page.locator('#head .effects li').count(), 30);
  const effects = await page.locator('#head .effects').textContent();
  await page.screenshot({ path: path.join(screenshots, 'head.png') });
  await cells('1.2').click();
  assert.equal(await page.locator('#head h2').textContent(), 'Head 1.2');
  const second = await picture();
  assert.notEqual(first, second);
  assert.notEqual(await page.locator('#head .effects').textContent(), effects);
  await page.locator('#head-prompt').selectOption('7');
  assert.notEqual(await picture(), second);
  // Every row of a pattern shares one whole.
  const data = JSON.parse(await page.locator('#data').textContent());
  const rows = await page.locator('#head svg').evaluate((svg) => {
    const sums = {};
    for (const cell of svg.querySelectorAll('.cell')) {
      const text = cell.querySelector('title')?.textContent ?? cell.getAttribute('aria-label');
      sums[cell.dataset.query] = (sums[cell.dataset.query] ?? 0) + Number(text.split(': ').at(-1));
    }
    return Object.values(sums);
  });
  assert.equal(rows.length, data.attention.tokens[7].length);
  for (const sum of rows) assert.ok(Math.abs(sum - 1) < 0.002, String(sum));
  await page.locator('#head-choice').selectOption('2.2');
  assert.equal(await page.locator('#head h2').textContent(), 'Head 2.2');
  // Heads without patterns in the page say how to get them.
  await cells('4.3').click();
  assert.match(await page.locator('#head').textContent(), /patchbay run attention_patterns .*--nodes 4\.3 /);
  await page.keyboard.press('Escape');
  await page.locator('#head button', { hasText: 'Close' }).click();
  assert.ok(await page.locator('#head').isHidden());
  assert.deepEqual(seen.messages, []);
  await context.close();
});

test('what was chosen is in the address, and comes back from it', async () => {
  const { page, context } = await open(address('ioi_paper'));
  await page.locator('#figure-to_logits-heat_map .variant:not([hidden]) .cell[data-head="2.2"]').click();
  await page.locator('#head-prompt').selectOption('3');
  await page.locator('#figure-to_logits-heat_map select').selectOption('raw');
  const chosen = await fragment(page);
  for (const part of ['head=2.2', 'prompt=3', 'effect.to_logits-heat_map=raw']) assert.ok(chosen.includes(part), chosen);
  await context.close();
  const again = await open(address('ioi_paper', chosen));
  assert.equal(await again.page.locator('#head h2').textContent(), 'Head 2.2');
  assert.equal(await again.page.locator('#head-prompt').inputValue(), '3');
  assert.equal(await again.page.locator('#figure-to_logits-heat_map .variant:not([hidden])').getAttribute('data-effect'), 'raw');
  await again.context.close();
  const nonsense = await open(address('ioi_paper', '#%E0%A4%A&head=<b>&prompt=-9&table=__proto__&effect.to_logits-heat_map=x&threshold.circuit=z'));
  assert.ok(await nonsense.page.locator('#head').isHidden());
  assert.deepEqual(nonsense.seen.messages, []);
  await nonsense.context.close();
});

test('another effect has another picture with its own numbers', async () => {
  const { page, context } = await open(address('ioi_lab'));
  const figure = page.locator('#figure-heads-heat_map');
  const label = () => figure.locator('.variant:not([hidden]) .cell[data-cell="5"]').getAttribute('aria-label');
  const before = await label();
  await figure.locator('select').selectOption('percent_of_clean');
  const after = await label();
  assert.match(before, /fraction/);
  assert.match(after, /percent_of_clean/);
  assert.match(after, /95 % interval/);
  await context.close();
});

test('tables sort by every column and filter', async () => {
  const { page, context } = await open(address('ioi_lab'));
  const column = () => page.locator('#all-prompts tbody tr:visible td:first-child').allTextContents();
  assert.equal((await column())[0], '0');
  await page.locator('#all-prompts th button', { hasText: 'prompt' }).click();
  assert.deepEqual((await column()).slice(0, 2), ['49', '48']);
  await page.locator('#all-prompts th button', { hasText: 'prompt' }).click();
  await page.locator('#all-prompts th button', { hasText: 'prompt' }).click();
  assert.deepEqual((await column()).slice(0, 2), ['0', '1']);
  const all = (await column()).length;
  await page.locator('#prompts input[type=search]').fill('mary');
  const some = await column();
  assert.ok(some.length > 0 && some.length < all);
  assert.match(await fragment(page), /filter\.all-prompts=mary/);
  await context.close();
});

test('the circuit fades below its threshold, and its paths are followed', async () => {
  const { page, context } = await open(address('ioi_paper'));
  const figure = page.locator('#figure-circuit-circuit_graph');
  const faded = () => figure.locator('.variant:not([hidden]) .edge.faded').count();
  assert.equal(await faded(), 0);
  await figure.locator('input[type=range]').fill('50');
  const weak = await faded();
  assert.ok(weak > 0);
  await figure.locator('input[type=range]').fill('100');
  assert.equal(await faded(), (await figure.locator('.variant:not([hidden]) .edge').count()) - 1);
  await figure.locator('input[type=range]').fill('0');
  await figure.locator('.variant:not([hidden]) .graph-node[data-node="2.2@END"] .node').click();
  assert.ok(await faded() > 0);
  assert.equal(await figure.locator('.variant:not([hidden]) .edge.faded[data-from="2.2@END"]').count(), 0);
  await page.screenshot({ path: path.join(screenshots, 'circuit.png') });
  await context.close();
});

test('figures are copied as CSV, SVG and PNG', async () => {
  const { page, context } = await open(address('ioi_lab'), { acceptDownloads: true });
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const figure = page.locator('#figure-heads-heat_map');
  const copied = async (name) => {
    const made = figure.locator('.tools button', { hasText: name });
    await made.click();
    const said = await page.waitForFunction((button) => button.dataset.done, await made.elementHandle());
    assert.equal(await said.jsonValue(), 'copied');
  };
  await copied('CSV');
  const csv = (await page.evaluate(() => navigator.clipboard.readText())).trim().split(/\r?\n/);
  assert.equal(csv[0], 'layer,head,fraction,standard_error,low,high,n,p_holm');
  assert.equal(csv.length, 21);
  const result = JSON.parse(fs.readFileSync(path.join(folder, 'ioi_lab/heads.json'), 'utf8'));
  const [layer, head, value] = csv[6].split(',');
  assert.ok(Math.abs(Number(value) - result.effects.fraction.values[layer][head]) < 1e-5);
  await copied('SVG');
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^<\?xml .*<svg [^]*<\/svg>$/s);
  await copied('PNG');
  assert.ok(await page.evaluate(async () => (await navigator.clipboard.read())[0].types.includes('image/png')));
  await context.close();
});

test('the keyboard reaches every cell', async () => {
  const { page, context } = await open(address('ioi_paper'));
  await page.locator('#figure-to_logits-heat_map .variant:not([hidden]) .cell[tabindex="0"]').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  const label = await page.evaluate(() => document.activeElement.getAttribute('aria-label'));
  assert.match(label, /^layer 1, head 1:/);
  assert.equal(await page.locator('#tip').textContent(), label);
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('#head h2').textContent(), 'Head 1.1');
  await context.close();
});

test('nothing serious stands in the way of anybody', async () => {
  for (const study of kStudies) {
    for (const colorScheme of ['light', 'dark']) {
      const { page, context } = await open(address(study, '#head=1.1&table=heads'), { bypassCSP: true, colorScheme });
      await page.addScriptTag({ content: axe });
      const found = await page.evaluate(() => axe.run());
      const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes[0].html.slice(0, 200)]), []);
      await context.close();
    }
  }
});

test('a small screen scrolls down and never sideways', async () => {
  for (const study of kStudies) {
    const { page, context } = await open(address(study), { viewport: { width: 360, height: 740 } });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
    await page.screenshot({ path: path.join(screenshots, `${study}-360.png`) });
    await context.close();
  }
});

test('no cell of a table is narrower than its longest word', async () => {
  for (const study of kStudies) {
    const { page, context } = await open(address(study));
    await page.evaluate(() => document.querySelectorAll('details').forEach((one) => { one.open = true; }));
    for (const width of [360, 800, 1400]) {
      await page.setViewportSize({ width, height: 740 });
      const [count, narrow] = await page.evaluate(() => {
        const ruler = document.createElement('canvas').getContext('2d');
        const cells = [...document.querySelectorAll('table.rows :is(td, th)')].filter((cell) => cell.getClientRects().length);
        return [cells.length, cells.filter((cell) => {
          const style = getComputedStyle(cell);
          ruler.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
          const room = cell.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
          // The longest words that are broken are wider than a small screen.
          const most = Math.min(34 * 16, 0.8 * innerWidth);
          const widest = Math.max(...cell.textContent.split(/\s/).map((word) => ruler.measureText(word).width));
          return room + 1 < Math.min(widest, most);
        }).map((cell) => `${cell.closest('table').id}: ${cell.textContent}`)];
      });
      assert.ok(count > 50, `${study} ${width}`);
      assert.deepEqual(narrow, [], `${study} ${width}`);
    }
    await context.close();
  }
});

test('words of a figure do not lie on each other, and its box is no wider than it', async () => {
  for (const study of kStudies) {
    const { page, context } = await open(address(study), { viewport: { width: 1400, height: 900 } });
    const [count, found] = await page.evaluate(() => {
      document.querySelectorAll('details').forEach((one) => { one.open = true; });
      let words = 0;
      const wrong = [];
      for (const svg of document.querySelectorAll('figure svg')) {
        const frame = svg.getBoundingClientRect();
        if (!frame.width) continue;
        if (svg.closest('.scroll').getBoundingClientRect().width > Math.max(frame.width + 4, 320)) wrong.push(`${svg.id}: an empty box`);
        // Turned words have boxes that are wider than they are.
        const texts = [...svg.querySelectorAll('text:not([transform])')].map((text) => [text.textContent, text.getBoundingClientRect()]);
        texts.forEach(([word, box], i) => {
          words += 1;
          if (box.left < frame.left - 1 || box.right > frame.right + 1) wrong.push(`${svg.id}: ${word} leaves the picture`);
          for (const [other, over] of texts.slice(0, i)) {
            const width = Math.min(box.right, over.right) - Math.max(box.left, over.left);
            const height = Math.min(box.bottom, over.bottom) - Math.max(box.top, over.top);
            if (width > 1 && height > 3) wrong.push(`${svg.id}: ${word} on ${other}`);
          }
        });
      }
      return [words, wrong];
    });
    assert.ok(count > 200, study);
    assert.deepEqual(found, [], study);
    await context.close();
  }
});

test('small figures and small tables share a row', async () => {
  const { page, context } = await open(address('ioi_lab'), { viewport: { width: 1400, height: 900 } });
  const tops = (chosen) => page.locator(chosen).evaluateAll((all) => all.map((one) => Math.round(one.getBoundingClientRect().top)));
  const lists = await tops('#result-one_patch .lists .scroll');
  assert.equal(lists.length, 2);
  assert.equal(lists[0], lists[1]);
  await page.locator('#result-resid_post_by_layer details', { hasText: 'the largest effects' }).locator('summary').click();
  const [figure] = await tops('#result-resid_post_by_layer .views > figure');
  const [others] = await tops('#result-resid_post_by_layer .others');
  assert.equal(figure, others);
  await context.close();
});

test('without scripts every figure is there', async () => {
  for (const study of kStudies) {
    const { page, context } = await open(address(study), { javaScriptEnabled: false });
    const figures = page.locator('main > section > section > .views > figure');
    const count = await figures.count();
    assert.ok(count > 3);
    for (let i = 0; i < count; i += 1) {
      assert.ok(await figures.nth(i).locator('svg:visible, table:visible').count() === 1, `${study} ${i}`);
    }
    assert.equal(await page.locator('.tools').count(), 0);
    await context.close();
  }
});

test('hostile texts are read and nothing of them runs', async () => {
  const result = JSON.parse(fs.readFileSync(path.join(folder, 'ioi_lab/heads.json'), 'utf8'));
  result.columns.forEach((column) => kHostile.forEach((text, i) => { column.texts[i] = text; }));
  result.axes[0].labels[0] = kHostile[1];
  result.axes[1].labels[0] = kHostile[0];
  result.model.name = kHostile[0];
  result.task = kHostile[1];
  result.command = kHostile[2];
  result.notes = kHostile.slice(0, 3);
  result.metric = kHostile[1];
  fs.mkdirSync(path.join(folder, 'hostile'));
  fs.writeFileSync(path.join(folder, 'hostile/heads.json'), JSON.stringify(result));
  patchbay('report', 'hostile/heads.json', '--out', 'hostile', '--title', kHostile[0]);
  const { page, seen, context } = await open(address('hostile', `#${encodeURIComponent(kHostile[1])}&head=1.1&table=heads`));
  await page.locator('#figure-heads-heat_map .variant:not([hidden]) .cell[data-cell="0"]').hover();
  assert.equal(await page.evaluate(() => window.ran), undefined);
  assert.deepEqual(seen.messages, []);
  assert.equal(seen.requests.length, 1);
  assert.equal(await page.title(), kHostile[0]);
  const shown = await page.locator('#all-prompts tbody tr').evaluateAll((rows) => rows.map((row) => row.cells[1].textContent));
  assert.deepEqual(shown.slice(0, kHostile.length), kHostile);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  await context.close();
});
