// client.mjs MODULES ENDPOINT FILE MODE: uploads FILE with tus-js-client; the access token is in $TOKEN. MODE: plain, chunks, parallel,
// deferred. Prints the id of the file it became. Fails when an offset that was told goes back, or what was acknowledged is sent again.
import fs from 'node:fs'
import path from 'node:path'
import {PassThrough} from 'node:stream'
import {createRequire} from 'node:module'

const [modules, endpoint, file, mode] = process.argv.slice(2)
const tus = createRequire(path.resolve(modules, 'package.json'))('tus-js-client')
const told = new Map() // of each upload: the last offset the server told
let fileId = ''
let retries = 0
let patches = 0

function fail(why) {
  console.error(`client: ${why}`)
  process.exit(1)
}

const options = {
  endpoint,
  headers: {Authorization: `Bearer ${process.env.TOKEN}`},
  metadata: {filename: path.basename(file), filetype: 'application/x-tus-test'},
  retryDelays: Array(200).fill(50),
  onShouldRetry(error) {
    retries++
    const response = error.originalResponse
    const status = response ? response.getStatus() : 0
    return status === 0 || status === 409 || status >= 500
  },
  onBeforeRequest(request) {
    if (request.getMethod() !== 'PATCH') return
    patches++
    const from = Number(request.getHeader('Upload-Offset'))
    const last = told.get(request.getURL())
    if (last !== undefined && from !== last) fail(`sends from ${from} on, ${last} was told`)
  },
  onAfterResponse(request, response) {
    if (response.getHeader('Sealdrop-File-Id')) fileId = response.getHeader('Sealdrop-File-Id')
    const offset = response.getHeader('Upload-Offset')
    if (!offset || response.getStatus() >= 300) return
    const url = new URL(response.getHeader('Location') || request.getURL(), endpoint).href
    if (Number(offset) < (told.get(url) ?? 0)) fail(`the offset went back from ${told.get(url)} to ${offset}`)
    told.set(url, Number(offset))
  },
  onError(error) {
    fail(error.message)
  },
  onSuccess() {
    console.error(`client: ${mode}: ${patches} bodies, ${retries} retries`)
    if (mode === 'parallel' && patches < 4) fail('it did not go in parallel')
    console.log(fileId)
  },
}
// A stream whose length nobody knows, and a file.
const source = mode === 'deferred' ? fs.createReadStream(file).pipe(new PassThrough()) : fs.createReadStream(file)
if (mode === 'chunks') options.chunkSize = 700001
if (mode === 'parallel') options.parallelUploads = 4
if (mode === 'deferred') Object.assign(options, {uploadLengthDeferred: true, chunkSize: 3000000})
new tus.Upload(source, options).start()
