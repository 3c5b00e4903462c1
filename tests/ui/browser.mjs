// Chromium, and everything that goes wrong in it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  // Chromium itself shall ask nobody either.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });

/** Fails with all that is in `wrong`. */
export function fail(what, wrong) {
  if (wrong.length) throw new Error(`${what}:\n  ${wrong.join('\n  ')}`);
}

/** The page at `url` in a browser of its own kind. `wrong` fills with what may not happen, but for what `expected` matches. */
export async function open(browser, url, { viewport = DESKTOP, colorScheme = 'light', expected = /$^/ } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' });
  const page = await context.newPage();
  const wrong = [];
  const tell = (text) => { if (!expected.test(text)) wrong.push(text); };
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) tell(`console: ${message.text()}`); });
  page.on('pageerror', (error) => tell(`page: ${error.stack ?? error}`));
  page.on('requestfailed', (request) => tell(`request: ${request.url()}: ${request.failure()?.errorText}`));
  page.on('response', (response) => { if (response.status() >= 400) tell(`response: ${response.url()}: ${response.status()}`); });
  const { host } = new URL(url);
  page.on('request', (request) => { if (new URL(request.url()).host !== host) wrong.push(`request to elsewhere: ${request.url()}`); });
  await page.goto(`${url}/ui`);
  const close = async () => {
    const found = [...wrong];
    await context.close();
    fail('went wrong in the page', found);
  };
  return { page, close };
}

/** What the rules of WCAG A and AA find. */
export async function accessible(page, what) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }));
  fail(`axe, ${what}`, violations.map((rule) => `${rule.id}: ${rule.help}: ${rule.nodes.map((node) => `${node.target} (${node.failureSummary})`).join('; ')}`));
}

/** The page is not wider than the window, no text is cut off, and none lies over another. */
export async function tidy(page, what) {
  fail(`layout, ${what}`, await page.evaluate(() => {
    const wrong = [];
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth > width) wrong.push(`the page is ${document.documentElement.scrollWidth} wide, the window ${width}`);
    const texts = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      const element = node.parentElement;
      const isHidden = !element.checkVisibility() || element.closest('.hidden, .skip, thead') && getComputedStyle(element.closest('.hidden, .skip, thead')).position === 'absolute';
      if (isHidden || !node.data.trim() || element.closest('script, noscript, .top-label')) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const box of range.getClientRects()) {
        if (box.width < 1) continue;
        if (box.left < 0 || box.right > width + 0.5) wrong.push(`outside the window: ${node.data}`);
        texts.push({ text: node.data.trim(), box });
      }
      const overflow = getComputedStyle(element).overflowX;
      if (overflow !== 'visible' && element.scrollWidth > element.clientWidth + 1) wrong.push(`cut off: ${node.data}`);
    }
    for (const cell of document.querySelectorAll('tbody :is(td, th)')) {
      // The label of a cell that stands alone is no text of the document.
      if (cell.checkVisibility() && cell.scrollWidth > cell.clientWidth + 1) wrong.push(`wider than its cell: ${cell.dataset.label ?? ''} ${cell.textContent}`);
    }
    texts.forEach((a, place) => {
      for (const b of texts.slice(place + 1)) {
        const [x, y] = [
          Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left),
          Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top),
        ];
        // Boxes of lines may touch; letters do not.
        if (x > 1 && y > 4) wrong.push(`one over another: ${a.text} | ${b.text}`);
      }
    });
    return wrong;
  }));
}

/** All numbers of the page by their keys: what is meant, and what is read. */
export const numbers = (page) => page.$$eval('main data', (all) => Object.fromEntries(
  all.map((data) => [data.dataset.key, { value: data.value === '' ? null : Number(data.value), text: data.parentElement.textContent.trim() }]),
));

/** The page has got so many more answers. */
export async function answers(page, count) {
  for (let heard = 0; heard < count; heard += 1) await page.waitForResponse((response) => response.url().endsWith('/ui/data.json') && response.ok());
  // And has shown them.
  await page.evaluate(() => new Promise((shown) => { requestAnimationFrame(() => setTimeout(shown, 50)); }));
}
