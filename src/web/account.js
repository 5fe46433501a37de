/* The pages behind mailed links (verify, join, reset) and the sign-in of devices: what their forms say to the HTTP API. A page is a
 * few steps, of which one is shown. What comes from outside is only ever shown as text. */
'use strict';

const page = document.body.dataset.page;
const token = location.hash.slice(1); // of the mailed link; browsers do not send it along
let csrf = '';                        // of the session in this browser

const step = name => document.querySelector(`[data-step="${name}"]`);

function show(values) {
  for (const [name, value] of Object.entries(values))
    for (const place of document.querySelectorAll(`[data-show="${name}"]`)) place.textContent = value;
}

/* Shows one step. The focus goes to what is to be done there, or to the heading, which is then read out. */
function go(name) {
  for (const s of document.querySelectorAll('[data-step]')) s.hidden = s !== step(name);
  const heading = step(name).querySelector('h1');
  document.title = `${heading.textContent} · Sealdrop`;
  const field = [...step(name).querySelectorAll('input:not([type=checkbox])')].find(i => !i.value && i.offsetParent);
  (field ?? heading).focus();
}

class Problem extends Error {
  constructor(body, retryAfter) {
    super(body.detail ?? 'Something went wrong. Try again.');
    this.code = body.code;
    this.fields = body.errors ?? [];
    const wait = retryAfter < 120 ? `${retryAfter} seconds` : `${Math.ceil(retryAfter / 60)} minutes`;
    if (retryAfter > 1) this.message += ` Try again in ${wait}.`;
  }
}

async function api(method, path, body) {
  const headers = { Accept: 'application/json' };
  if (body) headers['Content-Type'] = 'application/json';
  if (csrf) headers['X-CSRF-Token'] = csrf;
  let answer, text;
  try {
    answer = await fetch(`/api/v1${path}`, { method, headers, body: body && JSON.stringify(body), cache: 'no-store', redirect: 'error' });
    text = await answer.text();
  } catch {
    throw new Problem({ detail: 'The server cannot be reached. Check your connection, then try again.' });
  }
  let json = {};
  try {
    json = text ? JSON.parse(text) : {};
  } catch {
    // Not from the server itself: something before it answered.
  }
  if (!answer.ok) throw new Problem(json, Number(answer.headers.get('Retry-After')));
  return json;
}

/* ---- forms ---- */

function clearErrors(form) {
  form.querySelector('.alert').hidden = true;
  for (const e of form.querySelectorAll('.error')) e.remove();
  for (const i of form.querySelectorAll('[aria-invalid]')) {
    i.removeAttribute('aria-invalid');
    i.setAttribute('aria-describedby', i.dataset.hints ?? '');
  }
}

function fieldError(input, message) {
  const id = `${input.id}-error`, before = document.getElementById(id);
  if (before) {
    before.textContent += ` It ${message}.`;
    return;
  }
  const text = document.createElement('p');
  text.className = 'error';
  text.id = id;
  text.textContent = `${input.labels[0].firstChild.textContent.trim()} ${message}.`;
  input.dataset.hints ??= input.getAttribute('aria-describedby') ?? '';
  input.setAttribute('aria-describedby', `${id} ${input.dataset.hints}`);
  input.setAttribute('aria-invalid', 'true');
  input.after(text);
}

function showProblem(form, problem) {
  const rest = [];
  for (const e of problem.fields) {
    const input = form.elements.namedItem(e.field);
    if (input) fieldError(input, e.message);
    else rest.push(`${e.field} ${e.message}`);
  }
  const wrong = form.querySelector('[aria-invalid=true]');
  if (!wrong || rest.length) {
    const alert = form.querySelector('.alert');
    alert.textContent = rest.length ? `${rest.join('; ')}.` : problem.message;
    alert.hidden = false;
  }
  (wrong ?? [...form.querySelectorAll('input:not([type=checkbox])')].find(i => i.offsetParent))?.focus();
}

/* Runs what a form or one of its buttons does: once at a time, with the button telling so, and errors where they belong. */
async function run(form, button, work) {
  if (form.getAttribute('aria-busy') === 'true') return;
  const label = button.textContent;
  clearErrors(form);
  form.setAttribute('aria-busy', 'true');
  button.textContent = button.dataset.busy ?? label;
  try {
    await work();
  } catch (e) {
    showProblem(form, e instanceof Problem ? e : new Problem({}));
  } finally {
    form.removeAttribute('aria-busy');
    button.textContent = label;
  }
}

function onSubmit(name, work) {
  const form = step(name);
  form.addEventListener('submit', event => {
    event.preventDefault();
    const button = event.submitter ?? form.querySelector('[type=submit]');
    run(form, button, () => work(Object.fromEntries(new FormData(form)), button.value));
  });
}

/* ---- the mailed links ---- */

function mailed(prefix, work) {
  if (!new RegExp(`^${prefix}[A-Za-z0-9_-]{43}$`).test(token)) {
    go(step('forgot') && !token ? 'forgot' : 'broken');
    return;
  }
  onSubmit('ask', async values => {
    await work(values);
    history.replaceState(null, '', location.pathname); // the link has done its work
    go('done');
  });
  go('ask');
}

function verify() {
  mailed('sdv_', async () => show({ email: (await api('POST', '/auth/email/verify', { token })).user.email }));
}

function join() {
  mailed('sdi_', async ({ email, display_name, password }) => {
    const name = display_name.trim();
    const body = { email: email.trim(), password, invite: token, ...(name && { display_name: name }) };
    show({ email: (await api('POST', '/auth/register', body)).user.email });
  });
}

function reset() {
  onSubmit('forgot', async ({ email }) => {
    await api('POST', '/auth/password/forgot', { email: email.trim() });
    show({ email: email.trim() });
    go('sent');
  });
  mailed('sdp_', ({ new_password }) => api('POST', '/auth/password/reset', { token, new_password }));
}

/* ---- signing in, and devices ---- */

const canPasskey = () => typeof PublicKeyCredential?.parseRequestOptionsFromJSON === 'function';
let half = null; // a sign-in that waits for its second factor

/* What an answer of a sign-in leads to. */
function signedIn(answer) {
  if (answer.mfa_required) {
    half = answer.mfa_token;
    const code = answer.methods.some(m => m !== 'passkey'), passkey = answer.methods.includes('passkey') && canPasskey();
    for (const e of document.querySelectorAll('[data-for=code]')) e.hidden = !code;
    document.querySelector('[data-passkey=second]').hidden = !passkey;
    go('factor');
    return;
  }
  if (!answer.csrf_token)
    throw new Problem({ detail: answer.password_change_required
      ? 'Your account needs a new password first. "Forgot your password?" below makes you one.'
      : 'Your account must have a second factor, and has none yet. Add one first, through the HTTP API (docs/API.md).' });
  csrf = answer.csrf_token;
  show({ account: answer.user.email });
  askCode();
}

async function passkey(mfa_token) {
  const with_mfa = mfa_token ? { mfa_token } : {};
  const { public_key } = await api('POST', '/auth/passkeys/login/options', with_mfa);
  let got;
  try {
    got = (await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(public_key) })).toJSON();
  } catch {
    throw new Problem({ detail: 'No passkey was used. Try again, or sign in another way.' });
  }
  signedIn(await api('POST', '/auth/passkeys/login', {
    credential_id: got.rawId, client_data_json: got.response.clientDataJSON, authenticator_data: got.response.authenticatorData,
    signature: got.response.signature, ...(got.response.userHandle && { user_handle: got.response.userHandle }), ...with_mfa,
    session: 'cookie',
  }));
}

let code = new URLSearchParams(location.search).get('code') ?? '';

async function lookUp(given) {
  const wanted = given.toUpperCase().replace(/[^A-Z]/g, '');
  if (!wanted) throw new Problem({ detail: 'A code has eight letters, such as ABCD-EFGH.' });
  const asks = await api('GET', `/auth/device/${wanted}`);
  code = wanted;
  show({ device: asks.device_name || 'A device without a name', ip: asks.ip, asked: new Date(asks.created_at).toLocaleString(),
         code: `${wanted.slice(0, 4)}-${wanted.slice(4)}` });
  go('decide');
}

function askCode() {
  const form = step('code');
  form.elements.user_code.value = code;
  go('code');
  if (code) form.requestSubmit();
}

async function decide(approve) {
  await api('POST', '/auth/device/approve', { user_code: code, approve });
  history.replaceState(null, '', location.pathname);
  go(approve ? 'approved' : 'refused');
  /* Until the device has fetched its session it hangs on ours. */
  if (approve) setTimeout(() => { step('approved').querySelector('[data-logout]').hidden = false; }, 15000);
}

async function device() {
  onSubmit('signin', async ({ email, password }) =>
    signedIn(await api('POST', '/auth/login', { email: email.trim(), password, session: 'cookie' })));
  onSubmit('factor', async values =>
    signedIn(await api('POST', '/auth/2fa/verify', { mfa_token: half, code: values.code.replace(/\s/g, ''), session: 'cookie' })));
  onSubmit('code', ({ user_code }) => lookUp(user_code));
  onSubmit('decide', (values, choice) => decide(choice === 'approve'));
  for (const b of document.querySelectorAll('[data-passkey]')) {
    b.addEventListener('click', () => run(b.form, b, () => passkey(b.dataset.passkey === 'second' ? half : null)));
    b.hidden = !canPasskey();
  }
  for (const b of document.querySelectorAll('[data-logout]')) {
    b.addEventListener('click', async () => {
      await api('POST', '/auth/logout').catch(() => {}); // over already: the same to whoever leaves
      go('out');
    });
  }
  try {
    signedIn(await api('POST', '/auth/refresh', {}));
  } catch {
    go('signin');
  }
}

addEventListener('hashchange', () => location.reload()); // another link, pasted over this one
show({ server: location.origin });
for (const box of document.querySelectorAll('[data-reveal]'))
  box.addEventListener('change', () => { document.getElementById(box.dataset.reveal).type = box.checked ? 'text' : 'password'; });
({ verify, join, reset, device })[page]();
