// What a browser sees of the status page: `node status.mjs WHAT URL [SECRET]`. Writes JSON to standard output, or fails and says
// all that is wrong. `tests/tests/ui.rs` runs it.
import { join } from 'node:path';
import { DESKTOP, PHONE, accessible, answers, fail, launch, numbers, open, tidy } from './browser.mjs';

const SCREENSHOTS = process.env.WEIR_SCREENSHOTS;
// There is something to see by then.
const WHILE = 25_000;
const LOOKS = [
  { name: 'light', viewport: DESKTOP, colorScheme: 'light' },
  { name: 'dark', viewport: DESKTOP, colorScheme: 'dark' },
  { name: 'phone', viewport: PHONE, colorScheme: 'light' },
  { name: 'phone-dark', viewport: PHONE, colorScheme: 'dark' },
  { name: 'tablet', viewport: { width: 820, height: 1180 }, colorScheme: 'light' },
];
const since = (page, words) => page.locator('.switch').getByText(words, { exact: true }).click();

/** While much happens: the page is accessible and tidy in every look. */
async function look(browser, url) {
  // All at once: each sees the same minute.
  await Promise.all(LOOKS.map(async (how) => {
    const { page, close } = await open(browser, url, how);
    await page.waitForFunction(() => document.querySelector('data[data-key="requests.rate"]')?.value > 0);
    await page.waitForSelector('#fallbacks tbody time');
    const hurts = () => page.waitForFunction(() => /cooldown|ejected/.test(document.querySelector('#providers').textContent));
    await hurts();
    await answers(page, 3);
    for (const window of ['Last minute', 'Since start']) {
      await since(page, window);
      await accessible(page, `${how.name}, ${window}`);
      await tidy(page, `${how.name}, ${window}`);
    }
    await since(page, 'Last minute');
    if (SCREENSHOTS) {
      await page.waitForTimeout(WHILE);
      await hurts();
      await page.screenshot({ path: join(SCREENSHOTS, `ui-${how.name}.png`), fullPage: true });
    }
    await close();
  }));
}

/** When nothing happens any more: all numbers since the start. */
async function read(browser, url) {
  const { page, close } = await open(browser, url);
  await since(page, 'Since start');
  await answers(page, 2);
  const found = await numbers(page);
  await close();
  return found;
}

/** By keyboard alone. */
async function keys(browser, url) {
  const { page, close } = await open(browser, url);
  await answers(page, 1);
  const interactive = await page.$$eval('a[href], button, input, select, textarea, summary, [tabindex="0"]', (all) => {
    const is = (element) => element.checkVisibility() && !element.disabled && !(element.type === 'radio' && !element.checked);
    return all.filter(is).map((element) => element.id || element.value || element.className);
  });
  const reached = [];
  const unseen = [];
  for (;;) {
    await page.keyboard.press('Tab');
    const focus = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      const marked = [element, element.nextElementSibling].filter(Boolean).some((one) => {
        const { outlineStyle, outlineWidth } = getComputedStyle(one);
        const box = one.getBoundingClientRect();
        return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && box.width > 0 && box.top >= 0 && box.left >= 0;
      });
      return { name: element.id || element.value || element.className, marked };
    });
    if (!focus || reached.includes(focus.name)) break;
    reached.push(focus.name);
    if (!focus.marked) unseen.push(`${focus.name} does not show that it has the focus`);
  }
  fail('keyboard', [...unseen, ...interactive.filter((name) => !reached.includes(name)).map((name) => `${name} is not reached by Tab, only ${reached}`)]);

  await page.locator('input[value=minute]').focus();
  await page.keyboard.press('ArrowRight');
  await page.waitForFunction(() => document.querySelector('#hero-title').textContent.includes('since Envoy’s start'));
  await page.keyboard.press('ArrowLeft');
  await page.waitForFunction(() => document.querySelector('#hero-title').textContent.includes('in the last'));
  await page.locator('#pause').focus();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelector('#age').textContent === 'paused' && document.querySelector('#pause').textContent === 'Go on');
  let asked = 0;
  page.on('request', () => { asked += 1; });
  await page.waitForTimeout(2_500);
  fail('pause', asked ? [`${asked} requests while the page pauses`] : []);
  await page.keyboard.press('Space');
  await page.waitForFunction(() => document.querySelector('#age').textContent === 'live');
  await close();
  return reached;
}

/** A page that must be told the secret first. */
async function unlock(browser, url, secret) {
  for (const how of LOOKS) {
    const { page, close } = await open(browser, url, { ...how, expected: /401/ });
    await page.waitForSelector('#secret');
    fail('locked', await page.locator('#main').isVisible() ? ['the status is shown to who has no secret'] : []);
    await accessible(page, `locked, ${how.name}`);
    await tidy(page, `locked, ${how.name}`);
    await page.locator('#secret').focus();
    await page.keyboard.type('another');
    await page.keyboard.press('Enter');
    await page.getByText('That is not it.').waitFor();
    await accessible(page, `denied, ${how.name}`);
    await page.locator('#secret').focus();
    await page.keyboard.type(secret);
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('data[data-key="requests.total"]')?.value > 0);
    fail('unlocked', await page.locator('#locked').isVisible() ? ['the question stays'] : []);
    const kept = await page.evaluate(() => [JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie, location.href].join(' '));
    fail('secret', kept.includes(secret) ? [`it is kept: ${kept}`] : []);
    await close();
  }
}

/** The sidecar goes and comes back. */
async function away(browser, url) {
  const { page, close } = await open(browser, url, { expected: /ERR_INTERNET_DISCONNECTED/ });
  await answers(page, 1);
  await page.context().setOffline(true);
  await page.getByText('The sidecar does not answer.').waitFor();
  await page.waitForFunction(() => / old$/.test(document.querySelector('#age').textContent));
  await accessible(page, 'away');
  await page.context().setOffline(false);
  await answers(page, 1);
  fail('back', await page.getByText('The sidecar does not answer.').isVisible() ? ['it still says that the sidecar does not answer'] : []);
  await close();
}

const [what, url, secret] = process.argv.slice(2);
const browser = await launch();
try {
  const found = await { look, read, keys, unlock, away }[what](browser, url, secret);
  process.stdout.write(JSON.stringify(found ?? null));
} catch (error) {
  process.stderr.write(`${what}: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
