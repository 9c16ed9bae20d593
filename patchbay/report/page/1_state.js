// What the reader chose, kept in the address: #result-heads&head=9.6&prompt=3
const data = JSON.parse(document.getElementById('data').textContent);
const state = new Map();
const listeners = [];
let place = '';

const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'text') made.textContent = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
};

function readAddress() {
  state.clear();
  const parts = location.hash.replace(/^#/, '').split('&').filter(Boolean);
  place = '';
  for (const part of parts) {
    const at = part.indexOf('=');
    try {
      if (at < 0) place = decodeURIComponent(part);
      else state.set(decodeURIComponent(part.slice(0, at)), decodeURIComponent(part.slice(at + 1)));
    } catch {
      // A fragment that somebody wrote by hand and that is no text: as if it were not there.
    }
  }
}

function writeAddress() {
  const parts = place ? [encodeURIComponent(place)] : [];
  for (const [key, value] of state) parts.push(`${encodeURIComponent(key)}=${encodeURIComponent(value)}`);
  history.replaceState(null, '', `#${parts.join('&')}`);
}

function change(key, value) {
  if (value === null || value === undefined || value === '') state.delete(key);
  else state.set(key, String(value));
  writeAddress();
  for (const listener of listeners) listener(key);
}

// Calls it now and whenever the key changes.
function follow(key, show) {
  listeners.push((changed) => { if (changed === key || changed === null) show(state.get(key)); });
  show(state.get(key));
}

// A choice that the page does not know counts as none.
const known = (key, allowed, fallback) => (allowed.includes(state.get(key)) ? state.get(key) : fallback);

function goTo(id) {
  const target = id && document.getElementById(id);
  if (target) target.scrollIntoView();
}

readAddress();
addEventListener('hashchange', () => {
  const before = place;
  readAddress();
  for (const listener of listeners) listener(null);
  if (place !== before) goTo(place);
});
document.addEventListener('click', (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (!link) return;
  event.preventDefault();
  place = link.getAttribute('href').slice(1);
  writeAddress();
  goTo(place);
});
