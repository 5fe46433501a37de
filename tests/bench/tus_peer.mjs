// tus_peer.mjs MODULES PORT CERT KEY FOLDER WORKERS: @tus/server with files in FOLDER, over TLS 1.3 with the cipher of the others. The
// port is open when every worker has loaded its code.
import cluster from 'node:cluster'
import fs from 'node:fs'
import https from 'node:https'
import {createRequire} from 'node:module'
import {pathToFileURL} from 'node:url'

const [modules, port, cert, key, directory, workers] = process.argv.slice(2)

if (cluster.isPrimary) {
  const ready = []
  for (let i = 0; i < Number(workers); i++) {
    const worker = cluster.fork()
    worker.once('message', () => {
      ready.push(worker)
      if (ready.length === Number(workers)) for (const w of ready) w.send('listen')
    })
  }
} else {
  const {resolve} = createRequire(`${modules}/x.js`)
  const {Server} = await import(pathToFileURL(resolve('@tus/server')))
  const {FileStore} = await import(pathToFileURL(resolve('@tus/file-store')))
  const tus = new Server({path: '/tus', datastore: new FileStore({directory}), relativeLocation: true})
  const tls = {cert: fs.readFileSync(cert), key: fs.readFileSync(key), minVersion: 'TLSv1.3', ciphers: 'TLS_AES_256_GCM_SHA384'}
  const server = https.createServer(tls, tus.handle.bind(tus))
  process.once('message', () => server.listen(Number(port), '127.0.0.1'))
  process.send('ready')
}
