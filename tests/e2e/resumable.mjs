// One upload with tus-js-client in one of the drafts it speaks: resumable.mjs MODULES ENDPOINT TOKEN FILE PROTOCOL CHUNK
// Cuts are made by others; this retries until it is through, and watches that no offset it was told is ever taken back.
// Prints a line of JSON: {"url", "told", "back", "heads", "retries"}.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

const [modules, endpoint, token, file, protocol, chunk] = process.argv.slice(2)
const tus = createRequire(modules + '/')('tus-js-client')
// From memory: of a file, this client does not notice that a later request is the last one (its Upload-Complete stays ?0).
const bytes = readFileSync(file)
const seen = { url: '', told: 0, back: 0, heads: 0, retries: 0 }

const upload = new tus.Upload(bytes, {
  endpoint,
  protocol,
  uploadSize: bytes.length,
  chunkSize: Number(chunk),
  headers: { authorization: `Bearer ${token}` },
  retryDelays: Array(200).fill(100),
  onShouldRetry: (err) => {
    seen.retries++
    const status = err.originalResponse ? err.originalResponse.getStatus() : 0
    return status === 0 || status >= 500 || status === 409
  },
  onAfterResponse: (req, res) => {
    const offset = Number.parseInt(res.getHeader('Upload-Offset'), 10)
    if (req.getMethod() === 'HEAD') seen.heads++
    if (Number.isNaN(offset)) return
    if (offset < seen.told) seen.back++
    seen.told = Math.max(seen.told, offset)
  },
  onError: (err) => {
    console.error(String(err))
    process.exit(1)
  },
  onSuccess: () => {
    seen.url = upload.url
    console.log(JSON.stringify(seen))
    process.exit(0)
  },
})
upload.start()
