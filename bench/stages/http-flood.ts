import { connect } from 'node:net'

/** Callers in a process of their own that pipeline requests as fast as they can, and connect again when they are closed. */
export interface Flood {
  readonly port: number
  readonly path: string
  readonly connections: number
}

const { port, path, connections } = JSON.parse(process.argv[2] ?? '') as Flood
const PIPELINED = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(1_000))
/** A caller that is refused at once would otherwise do nothing but connect. */
const AGAIN_MS = 1

let answered = 0

function open(): void {
  const socket = connect(port, '127.0.0.1')
  const write = (): void => {
    while (socket.writable && socket.write(PIPELINED));
  }
  socket.on('connect', write).on('drain', write)
  socket.once('data', () => {
    if (++answered === connections) process.send?.('on')
  })
  socket
    .resume()
    .on('error', () => {})
    .on('close', () => setTimeout(open, AGAIN_MS))
}

for (let i = 0; i < connections; i++) open()
