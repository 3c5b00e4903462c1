// Asks the sidecar each second and writes what it says into the page. No number is computed here that is not on it.
const $ = (id) => document.getElementById(id);
const NONE = '–';

// How numbers are written.
const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const fixed = (value, digits) => value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const whole = (value) => grouped.format(value);
const rate = (value) => (value > 0 && value < 9.95 ? fixed(value, 1) : whole(value));
// Never 100 if anything is missing.
const percent = (value) => (value === null ? NONE : value === 100 ? '100 %' : `${fixed(Math.floor(value * 100) / 100, 2)} %`);
const millis = (value) => {
  if (value === null) return NONE;
  if (value >= 999.5) return `${fixed(value / 1000, value < 9995 ? 2 : 1)} s`;
  return `${fixed(value, value < 9.95 ? 1 : 0)} ms`;
};
const micros = (value) => (value === null ? NONE : value < 999.5 ? `${whole(value)} µs` : millis(value / 1000));
const dollars = (micro) => `$${fixed(micro / 1e6, micro === 0 ? 2 : micro < 1e6 ? 4 : 2)}`;
const bytes = (value) => {
  if (value === null) return NONE;
  const step = value < 1024 ** 2 ? [1024, 'KiB'] : value < 1024 ** 3 ? [1024 ** 2, 'MiB'] : [1024 ** 3, 'GiB'];
  return `${fixed(value / step[0], value > 0 && value / step[0] < 99.5 ? 1 : 0)} ${step[1]}`;
};
const span = (seconds) => {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86400)} d`;
};
const clock = (seconds) => {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  return `${h ? `${h}:${String(m).padStart(2, '0')}` : m}:${String(s).padStart(2, '0')}`;
};
const time = (at) => new Date(at).toLocaleTimeString('en-GB');
const words = (name) => name.replaceAll('_', ' ');

// Elements, written only where something has changed.
const make = (tag, name = '', text = '') => {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  return element;
};
const write = (element, text) => { if (element.textContent !== text) element.textContent = text; };
const style = (element, name) => { if (element.className !== name) element.className = name; };
/** The exact value, for machines and on hovering; `key` names it. */
const number = (element, key, value, text) => {
  let data = element.querySelector(':scope > data');
  if (!data) {
    data = element.appendChild(make('data'));
    data.dataset.key = key;
  }
  data.value = value === null ? '' : value;
  write(data, text);
};
/** One child for each item, the same one for the same key, in the order of the items. */
const list = (parent, items, key, create, update) => {
  const have = new Map([...parent.children].map((child) => [child.dataset.item, child]));
  items.forEach((item, place) => {
    const name = key(item);
    let child = have.get(name);
    if (!child) {
      child = create(item);
      child.dataset.item = name;
    }
    have.delete(name);
    if (parent.children[place] !== child) parent.insertBefore(child, parent.children[place] ?? null);
    update(child, item);
  });
  for (const child of have.values()) child.remove();
};
const body = (table) => $(table).tBodies[0];
/** A row whose cells are as the table's head says. */
const row = (table) => () => {
  const line = make('tr');
  line.setAttribute('role', 'row');
  [...$(table).tHead.rows[0].cells].forEach((head, place) => {
    const cell = line.appendChild(make(place === 0 ? 'th' : 'td', head.className));
    cell.setAttribute('role', place === 0 ? 'rowheader' : 'cell');
    if (place === 0) cell.scope = 'row';
    cell.dataset.label = head.dataset.label ?? head.textContent;
  });
  return line;
};
const rows = (table, items, key, update, none) => {
  const shown = items.length ? items : [null];
  const update_ = (line, item) => (item ? update([...line.cells], item) : write(line.cells[0].firstChild ?? line.cells[0], none));
  const create = (item) => {
    if (item) return row(table)();
    const line = make('tr', 'none');
    line.setAttribute('role', 'row');
    const cell = line.appendChild(make('td', '', none));
    cell.setAttribute('role', 'cell');
    cell.colSpan = $(table).tHead.rows[0].cells.length;
    return line;
  };
  list(body(table), shown, (item) => (item ? key(item) : '(none)'), create, update_);
};
const facts = (id, items) => list($(id), items, (item) => item.name, (item) => {
  const pair = make('div', item.lead ? 'lead' : '');
  pair.append(make('dt', '', item.name), make('dd'));
  return pair;
}, (pair, item) => {
  number(pair.lastChild, item.key, item.value, item.text);
  style(pair.lastChild, item.style ?? '');
});
const counts = (id, items, none) => {
  const shown = items.length ? items : [{ name: '', text: none, style: 'muted' }];
  list($(id), shown, (item) => item.name, (item) => {
    const line = make('li');
    line.append(make('span', '', item.name), make('span'));
    return line;
  }, (line, item) => {
    if (item.key) number(line.lastChild, item.key, item.value, item.text);
    else write(line.lastChild, item.text);
    style(line.lastChild, item.style ?? '');
  });
};

let kept = 'minute';
let view = null;
/** Percentiles, or a counter, of the chosen window. */
const over = (times) => times[kept];
const counted = (count) => (kept === 'minute' ? count.minute : count.total);
/** What the filter calls that which has no name in the configuration. */
const known = (name) => (name === '-' ? 'no known model' : name);
const named = (items, name) => items.find((item) => item.name === name);

function headline() {
  const { served, outcomes, envoys } = view;
  const value = kept === 'minute' ? served.percent : served.ever_percent;
  const figure = $('percent');
  const text = value === null ? NONE : percent(value).slice(0, -2);
  const shown = make('span');
  number(shown, 'served.percent', value, text);
  if (value !== null) shown.append(make('small', '', '%'));
  figure.replaceChildren(shown);
  style(figure, `figure ${value === null || value === 100 ? '' : value >= 99 ? 'warn' : 'bad'}`);
  const away = envoys.filter((envoy) => envoy.state === 'unreachable');
  // Only what changes is said aloud: no number that does so each second.
  const [say, how] = away.length === envoys.length ? ['No Envoy can be read.', 'bad']
    : served.failed === 0 ? (served.ok > 0 ? ['Everybody is served.', 'good'] : ['Nobody has asked lately.', ''])
      : served.ok === 0 ? ['Nobody is served.', 'bad']
        : served.percent >= 99 ? ['Almost everybody is served.', 'warn'] : ['Some are not served.', 'bad'];
  write($('headline'), away.length && away.length < envoys.length ? `${say} Not every Envoy can be read.` : say);
  style($('headline'), `headline ${how}`);
  const failed = outcomes.filter((outcome) => !['ok', 'client_error', 'aborted'].includes(outcome.name) && outcome.minute > 0);
  const minute = `${whole(served.ok)} served ${lately()}`;
  write($('detail'), failed.length
    ? `${minute}, ${whole(served.failed)} not: ${failed.map((outcome) => `${whole(outcome.minute)} ${words(outcome.name)}`).join(', ')}.`
    : `${minute}.`);
  for (const element of document.querySelectorAll('[data-window]')) write(element, kept === 'minute' ? lately() : 'since Envoy’s start');
}
const lately = () => (view.minute_seconds > 0 && view.minute_seconds < 55 ? `in the last ${Math.round(view.minute_seconds)} s` : 'in the last minute');

const SHOWN = 180_000;
function chart() {
  const points = view.history.filter((point) => view.at - point.at <= SHOWN);
  const most = Math.max(1, ...points.map((point) => point.ok + point.failed + point.other));
  const step = 10 ** Math.floor(Math.log10(most));
  const top = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((times) => times * step).find((bound) => bound >= most);
  const x = (point) => (180 - (view.at - point.at) / 1000).toFixed(1);
  const y = (value) => (100 - 98 * value / top).toFixed(1);
  const layer = (low, high) => {
    if (points.length < 2) return '';
    const there = points.map((point) => `${x(point)} ${y(high(point))}`);
    const back = points.map((point) => `${x(point)} ${y(low(point))}`).reverse();
    return `M${there.join('L')}L${back.join('L')}Z`;
  };
  const failed = (point) => point.failed;
  const other = (point) => point.failed + point.other;
  const all = (point) => point.failed + point.other + point.ok;
  const draw = (name, path) => $('chart').querySelector(name).setAttribute('d', path);
  draw('.area.failed', layer(() => 0, failed));
  draw('.area.other', layer(failed, other));
  draw('.area.ok', layer(other, all));
  draw('.line.ok', points.length < 2 ? '' : `M${points.map((point) => `${x(point)} ${y(all(point))}`).join('L')}`);
  write($('chart-top'), rate(top));
}

function tiles() {
  const of = (...names) => names.map((name) => named(view.outcomes, name)).reduce((sum, item) => ({ total: sum.total + item.total, rate: sum.rate + item.rate }), { total: 0, rate: 0 });
  const tile = (name, key, count, how = '') => ({ name, key, count, how: count.rate > 0 ? how : '' });
  const items = [
    tile('Requests', 'requests', view.requests),
    tile('429 by a limit', 'outcome.limited', of('limited'), 'warn'),
    tile('429 by all targets', 'outcome.upstream_429', of('upstream_429'), 'bad'),
    tile('5xx', 'outcome.upstream_5xx', of('upstream_5xx'), 'bad'),
    tile('Timeouts', 'outcome.timeout', of('timeout'), 'bad'),
    tile('Cut streams', 'outcome.cut', of('cut'), 'bad'),
    tile('By the client', 'own', of('client_error', 'aborted')),
  ];
  list($('tiles'), items, (item) => item.name, (item) => {
    const element = make('div');
    const now = make('dd');
    now.append(make('span'), make('small', '', '/s'));
    element.append(make('dt', '', item.name), now, make('dd'));
    return element;
  }, (element, item) => {
    const [, now, total] = element.children;
    number(now.firstChild, `${item.key}.rate`, item.count.rate, rate(item.count.rate));
    style(now, item.how);
    number(total, `${item.key}.total`, item.count.total, `${whole(item.count.total)} in all`);
  });
}

// When each provider's cooldown ends, by this clock: it counts evenly however the answers come.
const ends = new Map();
function cooldown(provider) {
  const end = Date.now() + provider.cooldown * 1000;
  if (provider.cooldown === 0) ends.delete(provider.name);
  else if (Math.abs((ends.get(provider.name) ?? 0) - end) > 1500) ends.set(provider.name, end);
}
function tick() {
  for (const element of document.querySelectorAll('[data-provider]')) {
    const left = Math.max(0, Math.ceil(((ends.get(element.dataset.provider) ?? 0) - Date.now()) / 1000));
    const ejected = element.dataset.ejected > 0;
    style(element, `state ${ejected ? 'bad' : left ? 'warn' : 'good'}`);
    write(element, ejected ? 'ejected' : left ? `cooldown ${clock(left)}` : 'ready');
  }
  style($('age'), document.body.classList.contains('stale') ? 'bad' : 'muted');
  if (view && asked) write($('age'), paused ? 'paused' : Date.now() - asked < 3000 ? 'live' : `${span((Date.now() - asked) / 1000)} old`);
}

const KIND = { ok: 'ok', cancelled: '', rate_limited: 'warn', overloaded: 'warn' };
function providers() {
  rows('providers', view.providers, (provider) => provider.name, (cells, provider) => {
    const key = (what) => `provider.${provider.name}.${what}`;
    cooldown(provider);
    const [name, flight, attempts, results, served, p50, p95, p99, tokensIn, tokensOut] = cells;
    if (!name.firstChild) {
      const state = make('span', 'state');
      state.dataset.provider = provider.name;
      name.append(make('span', '', provider.name), state);
      results.append(make('div', 'bar'), make('div', 'parts'));
      results.firstChild.setAttribute('aria-hidden', 'true');
    }
    name.lastChild.dataset.ejected = provider.ejected;
    number(flight, key('in_flight'), provider.in_flight, whole(provider.in_flight));
    number(attempts, key('attempts.rate'), provider.attempts.rate, rate(provider.attempts.rate));
    list(results.firstChild, provider.results, (item) => item.name, (item) => make('i', KIND[item.name] ?? 'bad'), (part, item) => {
      part.style.width = `${100 * counted(item) / Math.max(1, counted(provider.attempts))}%`;
    });
    list(results.lastChild, provider.results.filter((item) => counted(item) > 0), (item) => item.name, (item) => {
      const part = make('span');
      part.append(make('span', '', `${words(item.name)} `), make('b'));
      return part;
    }, (part, item) => number(part.lastChild, key(`result.${item.name}`), counted(item), whole(counted(item))));
    number(served, key('ok_percent'), provider.ok_percent, percent(provider.ok_percent));
    style(served, `num ${provider.ok_percent === null || provider.ok_percent >= 99 ? '' : provider.ok_percent >= 80 ? 'warn' : 'bad'}`);
    [[p50, 'p50'], [p95, 'p95'], [p99, 'p99']].forEach(([cell, part]) => number(cell, key(`first_token.${part}`), over(provider.first_token)[part], millis(over(provider.first_token)[part])));
    [[tokensIn, 'input'], [tokensOut, 'output']].forEach(([cell, kind]) => number(cell, key(`tokens.${kind}`), counted(named(provider.tokens, kind)), whole(counted(named(provider.tokens, kind)))));
  }, 'No provider is configured.');
}

function models() {
  rows('models', view.models, (model) => model.name, (cells, model) => {
    const key = (what) => `model.${model.name}.${what}`;
    const [name, requests, perSecond, served, p50, p95, p99] = cells;
    write(name, known(model.name));
    number(requests, key('requests'), counted(model.requests), whole(counted(model.requests)));
    number(perSecond, key('rate'), model.requests.rate, rate(model.requests.rate));
    number(served, key('ok_percent'), model.ok_percent, percent(model.ok_percent));
    style(served, `num ${model.ok_percent === null || model.ok_percent === 100 ? '' : model.ok_percent >= 99 ? 'warn' : 'bad'}`);
    [[p50, 'p50'], [p95, 'p95'], [p99, 'p99']].forEach(([cell, part]) => number(cell, key(`duration.${part}`), over(model.duration)[part], millis(over(model.duration)[part])));
  }, 'No model is configured.');
}

function waiting() {
  const { now, oldest, wait, limited } = view.waiting;
  facts('waiting', [
    { name: 'Waiting now', key: 'waiting.now', value: now, text: whole(now), lead: true, style: now ? 'warn' : '' },
    { name: 'The oldest waits for', key: 'waiting.oldest', value: oldest, text: now ? millis(oldest) : NONE },
    { name: 'Wait, P50', key: 'waiting.p50', value: over(wait).p50, text: millis(over(wait).p50) },
    { name: 'Wait, P95', key: 'waiting.p95', value: over(wait).p95, text: millis(over(wait).p95) },
    { name: 'Wait, P99', key: 'waiting.p99', value: over(wait).p99, text: millis(over(wait).p99) },
  ]);
  counts('limited', limited.filter((item) => counted(item) > 0).map((item) => ({ name: words(item.name), key: `limited.${item.name}`, value: counted(item), text: whole(counted(item)) })), 'Nobody.');
}

function cost() {
  const { microusd, unpriced, rows: spent } = view.cost;
  const tokens = (kind) => ({ key: `tokens.${kind}`, value: named(view.tokens, kind).total, text: whole(named(view.tokens, kind).total) });
  facts('spent', [
    { name: 'Cost', key: 'cost.total', value: microusd.total, text: dollars(microusd.total) },
    { name: 'Tokens in', ...tokens('input') },
    { name: 'Tokens out', ...tokens('output') },
    { name: 'Cached in', ...tokens('cached') },
    { name: 'Without a price', key: 'cost.unpriced', value: unpriced.total, text: whole(unpriced.total), style: unpriced.total ? 'warn' : '' },
  ]);
  rows('costs', spent, (item) => `${item.provider}/${item.model}|${item.tenant}`, (cells, item) => {
    const [target, tenant, minute, total] = cells;
    const key = `cost.${item.provider}/${item.model}.${item.tenant}`;
    write(target, `${item.provider}/${item.model}`);
    write(tenant, item.tenant === '-' ? NONE : item.tenant);
    number(minute, `${key}.minute`, item.microusd.minute, dollars(item.microusd.minute));
    number(total, `${key}.total`, item.microusd.total, dollars(item.microusd.total));
  }, 'Nothing was spent.');
}

function cache() {
  const { hit_percent, ever_hit_percent, results, bytes: held } = view.cache;
  const value = kept === 'minute' ? hit_percent : ever_hit_percent;
  const count = (name, title) => ({ name: title, key: `cache.${name}`, value: counted(named(results, name)), text: whole(counted(named(results, name))) });
  facts('cache', [
    { name: 'Hit ratio', key: 'cache.percent', value, text: percent(value), lead: true },
    count('hit', 'Hits'), count('coalesced', 'Shared with another request'), count('miss', 'Misses'), count('bypass', 'Not looked up'),
    { name: 'In the workers', key: 'cache.bytes', value: held, text: bytes(held) },
  ]);
}

function budgets() {
  const shown = view.budgets.length ? view.budgets : [null];
  list($('budgets'), shown, (budget) => budget?.tenant ?? '', (budget) => {
    const line = make('li');
    if (!budget) return line;
    const head = make('div', 'row');
    head.append(make('b', '', budget.tenant), make('span'));
    const bar = make('div', 'bar');
    bar.setAttribute('aria-hidden', 'true');
    bar.append(make('i'));
    line.append(head, bar);
    return line;
  }, (line, budget) => {
    if (!budget) {
      style(line, 'muted');
      return write(line, 'No tenant has a budget.');
    }
    const part = budget.percent ?? 0;
    const how = part >= 100 ? 'bad' : budget.is_warned ? 'warn' : 'ok';
    const text = budget.percent === null ? `${NONE} of ${dollars(budget.microusd)} a ${budget.per}` : `${whole(part)} % of ${dollars(budget.microusd)} a ${budget.per}`;
    number(line.firstChild.lastChild, `budget.${budget.tenant}`, budget.percent, text);
    style(line.firstChild.lastChild, how === 'ok' ? 'muted' : how);
    style(line.lastChild.firstChild, how);
    line.lastChild.firstChild.style.width = `${Math.min(100, part)}%`;
  });
}

function fallbacks() {
  rows('fallbacks', view.fallbacks.slice(0, 12), (item) => `${item.since} ${item.from} ${item.to} ${item.reason}`, (cells, item) => {
    const [at, way, reason, count] = cells;
    if (!at.firstChild) at.append(make('time'));
    at.firstChild.dateTime = new Date(item.at).toISOString();
    write(at.firstChild, time(item.at));
    at.title = `between ${time(item.since)} and ${time(item.at)}`;
    write(way, `${item.from} → ${item.to}`);
    write(reason, words(item.reason));
    write(count, whole(item.count));
  }, 'None since somebody looks here.');
}

function health() {
  const { overhead, sidecar, envoys } = view;
  const fast = (times) => `${micros(over(times).p50)} · ${micros(over(times).p99)}`;
  facts('health', [
    { name: 'Per request, P50 · P99', key: 'overhead.request', value: over(overhead.request_us).p50, text: fast(overhead.request_us) },
    { name: 'Per part of a stream', key: 'overhead.event', value: over(overhead.event_us).p50, text: fast(overhead.event_us) },
    { name: 'Largest VM', key: 'vm.bytes', value: overhead.vm_memory_bytes, text: bytes(overhead.vm_memory_bytes) },
    { name: 'Sidecar', key: 'sidecar.uptime', value: Math.floor(sidecar.uptime_seconds), text: sidecar.is_missed ? 'missed by a filter' : `up for ${span(sidecar.uptime_seconds)}`, style: sidecar.is_missed ? 'bad' : '' },
    { name: `Store, ${sidecar.store}`, key: 'store.ms', value: sidecar.store_ms, text: sidecar.store_ms === null ? 'does not answer' : `answers in ${micros(sidecar.store_ms * 1000)}`, style: sidecar.store_ms === null ? 'bad' : '' },
    ...(sidecar.cache_entries === null ? [] : [{ name: 'Kept answers', key: 'store.entries', value: sidecar.cache_entries, text: `${whole(sidecar.cache_entries)}, ${bytes(sidecar.cache_bytes)}` }]),
    { name: 'Wait for another’s answer', key: 'sidecar.followers', value: sidecar.followers, text: whole(sidecar.followers) },
  ]);
  counts('envoys', envoys.map((envoy) => ({
    name: envoy.address,
    text: envoy.state === 'unreachable' ? envoy.why : `${envoy.state} for ${span(envoy.uptime_seconds)}, ${bytes(envoy.memory_bytes)}`,
    style: envoy.state === 'live' ? 'muted' : envoy.state === 'draining' ? 'warn' : 'bad',
  })), NONE);
  const live = envoys.filter((envoy) => envoy.state === 'live').length;
  write($('parts'), `${live} of ${envoys.length} ${envoys.length === 1 ? 'Envoy' : 'Envoys'} live`);
  style($('parts'), live === envoys.length ? 'muted' : 'bad');
}

function show() {
  headline();
  chart();
  tiles();
  providers();
  models();
  waiting();
  cost();
  cache();
  budgets();
  fallbacks();
  health();
  tick();
}

// Asking. The secret is here and nowhere else.
let secret = '';
let asked = 0;
let paused = false;
function lock(why) {
  $('locked').hidden = false;
  $('main').hidden = true;
  write($('denied'), why);
}
async function ask() {
  try {
    const headers = secret ? { authorization: `Bearer ${secret}` } : {};
    const response = await fetch('/ui/data.json', { headers, signal: AbortSignal.timeout(5000) });
    if (response.status === 401) return lock(secret ? 'That is not it.' : '');
    if (!response.ok) throw new Error((await response.text()).trim());
    view = await response.json();
    asked = Date.now();
    document.body.classList.remove('stale');
    if ($('main').hidden) {
      $('locked').hidden = true;
      $('main').hidden = false;
      $('main').focus();
    }
    show();
  } catch {
    document.body.classList.add('stale');
    write($('headline'), 'The sidecar does not answer.');
    style($('headline'), 'headline bad');
  }
}
async function run() {
  const begun = Date.now();
  if (!paused && !document.hidden && $('locked').hidden) await ask();
  setTimeout(run, Math.max(50, 1000 - (Date.now() - begun)));
}

$('unlock').addEventListener('submit', (event) => {
  event.preventDefault();
  secret = $('secret').value;
  $('secret').value = '';
  ask();
});
$('pause').addEventListener('click', () => {
  paused = !paused;
  $('pause').setAttribute('aria-pressed', String(paused));
  write($('pause'), paused ? 'Go on' : 'Pause');
  tick();
});
for (const radio of document.querySelectorAll('input[name=window]')) {
  radio.addEventListener('change', () => {
    kept = radio.value;
    if (view) show();
  });
}
setInterval(tick, 250);
run();
