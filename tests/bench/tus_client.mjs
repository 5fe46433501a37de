// tus_client.mjs MODULES ENDPOINT AT_ONCE: uploads the files named on standard input with tus-js-client, AT_ONCE at a time. Small ones go
// with the request that creates them. The access token, if one is needed, is in $TOKEN.
import fs from 'node:fs'
import path from 'node:path'
import {createRequire} from 'node:module'

const SMALL = 1 << 20
const [modules, endpoint, atOnce] = process.argv.slice(2)
const tus = createRequire(`${modules}/x.js`)('tus-js-client')
const files = fs.readFileSync(0, 'utf8').split('\n').filter(Boolean)
const headers = process.env.TOKEN ? {Authorization: `Bearer ${process.env.TOKEN}`} : {}

function upload(file) {
  const small = fs.statSync(file).size <= SMALL
  return new Promise((onSuccess, onError) => {
    const source = small ? fs.readFileSync(file) : fs.createReadStream(file)
    const metadata = {filename: path.basename(file)}
    new tus.Upload(source, {endpoint, headers, metadata, uploadDataDuringCreation: small, retryDelays: null, onSuccess, onError}).start()
  })
}

async function work() {
  for (let file = files.pop(); file; file = files.pop()) await upload(file)
}

await Promise.all(Array.from({length: Number(atOnce)}, work))
