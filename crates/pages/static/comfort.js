// Comfort only: every page works without this file.
(() => {
  'use strict';

  // One submission a form, until the page is left or shown again.
  let sent = new WeakSet();
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (sent.has(form)) return event.preventDefault();
    sent.add(form);
  });
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) sent = new WeakSet();
  });

  // Show and hide a password.
  const words = document.body.dataset;
  for (const box of document.querySelectorAll('.secret')) {
    const input = box.querySelector('input');
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'reveal';
    button.setAttribute('aria-controls', input.id);
    const show = (plain) => {
      input.type = plain ? 'text' : 'password';
      button.textContent = plain ? words.hide : words.show;
      button.setAttribute('aria-pressed', String(plain));
    };
    button.addEventListener('click', () => show(input.type === 'password'));
    // What was revealed goes out as a password again: browsers remember plain text fields.
    input.form.addEventListener('submit', () => show(false));
    show(false);
    box.append(button);
  }

  // Times in the reader's own zone; lately, as a distance, unless the page asks for the date.
  const language = document.documentElement.lang;
  const full = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
  const distance = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  const units = [['day', 86400], ['hour', 3600], ['minute', 60]];
  for (const time of document.querySelectorAll('time[datetime]')) {
    const date = new Date(time.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    const seconds = (date.getTime() - Date.now()) / 1000;
    const unit = units.find(([, size]) => Math.abs(seconds) >= size);
    time.title = full.format(date);
    if ('full' in time.dataset || Math.abs(seconds) >= 7 * 86400) time.textContent = full.format(date);
    else time.textContent = unit ? distance.format(Math.round(seconds / unit[1]), unit[0]) : words.now;
  }
})();
