// What a web app does with tus-js-client and Uppy, signed in by cookie: the page that browser_uploads.py drives. `run` is the upload at
// hand, and what was seen of it: an offset that goes back, or bytes that are sent again, are errors.
import Uppy from '@uppy/core'
import Tus from '@uppy/tus'
import * as tus from 'tus-js-client'

let csrf = ''
let refreshing = null // by several uploads at once, but once

async function post(path, body) {
  const headers = {'Content-Type': 'application/json'}
  if (csrf) headers['X-CSRF-Token'] = csrf
  const answer = await fetch('/api/v1' + path, {method: 'POST', headers, body: JSON.stringify(body)})
  return {status: answer.status, ...await answer.json().catch(() => ({}))}
}

async function session(path, body) {
  const answer = await post(path, body)
  csrf = answer.csrf_token ?? ''
  return answer.status
}

// The access cookie lives ten minutes, uploads live longer: whoever is told 401 refreshes it, and goes on.
const refresh = () => refreshing ??= session('/auth/refresh', {}).finally(() => { refreshing = null })

// Both take their own header fields from here.
const watched = {
  endpoint: location.origin + '/tus/', // people write it with and without the slash
  retryDelays: Array(300).fill(100),
  async onBeforeRequest(request) {
    if (refreshing) await refreshing
    if (!run.forgery) request.setHeader('X-CSRF-Token', csrf)
    run.requests++
    if (request.getMethod() !== 'PATCH') return
    const from = Number(request.getHeader('Upload-Offset'))
    const last = run.told.get(request.getURL())
    if (!run.first.has(request.getURL())) run.first.set(request.getURL(), from)
    if (last !== undefined && from !== last) run.wrong = `sends from ${from} on, ${last} was told`
  },
  onAfterResponse(request, response) {
    const status = response.getStatus()
    if (status === 401) refresh()
    if (response.getHeader('Sealdrop-File-Id')) run.files.push(response.getHeader('Sealdrop-File-Id'))
    const offset = response.getHeader('Upload-Offset')
    if (!offset || status >= 300) return
    const url = new URL(response.getHeader('Location') || request.getURL(), location.origin).href
    if (Number(offset) < (run.told.get(url) ?? 0)) run.wrong = `the offset went back from ${run.told.get(url)} to ${offset}`
    run.told.set(url, Number(offset))
  },
}

function again(error) {
  const status = error.originalResponse?.getStatus() ?? 0
  run.retries++
  return status === 0 || status === 401 || status === 409 || status >= 500
}

// The detail of a problem, which is for people.
function detail(error) {
  try {
    return JSON.parse(error.originalResponse.getBody()).detail
  } catch {
    return error.message
  }
}

function begin(more) {
  window.run = {told: new Map(), first: new Map(), files: [], requests: 0, retries: 0, sent: 0, wrong: '', errors: [], done: false, ...more}
  return run
}

// The chosen file with tus-js-client; with `resume`, the upload that an earlier page left in localStorage.
async function upload({resume, forgery, ...options}) {
  const file = document.getElementById('files').files[0]
  const mine = begin({forgery})
  mine.upload = new tus.Upload(file, {
    ...watched,
    metadata: {filename: file.name, filetype: 'application/x-browser-test'},
    removeFingerprintOnSuccess: true,
    onShouldRetry: again,
    onProgress: n => { mine.sent = n },
    onError: error => { mine.errors.push(detail(error)); mine.done = true },
    onSuccess: () => { mine.done = true },
    ...options,
  })
  const previous = await mine.upload.findPreviousUploads()
  mine.previous = previous.length
  if (resume && previous.length) mine.upload.resumeFromPreviousUpload(previous[0])
  mine.upload.start()
}

// The chosen file in parts, with nothing but fetch; what the server says of its parts fits through whatever is in front.
async function parts() {
  const file = document.getElementById('files').files[0]
  const mine = begin({})
  const fail = answer => { mine.errors.push(`${answer.status} ${answer.detail ?? ''}`); mine.done = true }
  const made = await post('/uploads', {name: file.name, size: file.size})
  if (made.status !== 201) return fail(made)
  mine.partSize = made.part_size
  await Promise.all(Array.from({length: made.part_count}, async (_, n) => {
    const body = file.slice(n * made.part_size, (n + 1) * made.part_size)
    const answer = await fetch(`/api/v1/uploads/${made.upload_id}/parts/${n}`, {method: 'PUT', headers: {'X-CSRF-Token': csrf}, body})
    if (answer.status !== 204) fail(answer)
  }))
  const done = await post(`/uploads/${made.upload_id}/complete`, {})
  if (done.status !== 200) return fail(done)
  mine.files.push(done.file.id)
  mine.done = true
}

// All that was chosen, with Uppy.
function uppy({restrictions, folder, ...options}) {
  const mine = begin({upload: new Uppy({autoProceed: false, restrictions, meta: folder ? {folder} : {}})})
  mine.upload.use(Tus, {...watched, limit: 3, onShouldRetry: again, removeFingerprintOnSuccess: true, ...options})
  mine.upload.on('progress', n => { mine.sent = n })
  mine.upload.on('upload-error', (file, error) => mine.errors.push(`${file.name}: ${detail(error)}`))
  mine.upload.on('restriction-failed', (file, error) => mine.errors.push(`${file.name}: ${error.message}`))
  for (const id of ['files', 'folder'])
    for (const file of document.getElementById(id).files) {
      const meta = {relativePath: file.webkitRelativePath || null}
      try {
        mine.upload.addFile({name: file.name, type: file.type, data: file, source: 'local', meta})
      } catch (error) {
        if (!error.isRestriction) throw error
      }
    }
  mine.upload.upload().then(result => { mine.result = {good: result.successful.length, bad: result.failed.length} })
    .finally(() => { mine.done = true })
}

window.run = null
Object.assign(window, {session, refresh, upload, parts, uppy})
