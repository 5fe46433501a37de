// tus_peer.mjs MODULES PORT CERT KEY FOLDER: @tus/server with files in FOLDER, over TLS 1.3 with the cipher of the others. One process
// that remembers uploads in memory: with a worker for each core and a file about each upload it was slower, on two cores.
import fs from 'node:fs'
import https from 'node:https'
import {createRequire} from 'node:module'
import {pathToFileURL} from 'node:url'

const [modules, port, cert, key, directory] = process.argv.slice(2)
const {resolve} = createRequire(`${modules}/x.js`)
const {Server} = await import(pathToFileURL(resolve('@tus/server')))
const {FileStore, MemoryConfigstore} = await import(pathToFileURL(resolve('@tus/file-store')))

const datastore = new FileStore({directory, configstore: new MemoryConfigstore()})
const tus = new Server({path: '/tus', datastore, relativeLocation: true})
const tls = {cert: fs.readFileSync(cert), key: fs.readFileSync(key), minVersion: 'TLSv1.3', ciphers: 'TLS_AES_256_GCM_SHA384'}
https.createServer(tls, tus.handle.bind(tus)).listen(Number(port), '127.0.0.1')
