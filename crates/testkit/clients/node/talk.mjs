// Lines of JSON between a program and the test that started it.
import { createInterface } from 'node:readline'
import { webcrypto } from 'node:crypto'

globalThis.crypto ??= webcrypto // Node 18

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (line) => console.log(JSON.stringify(line))

/** Has the test's person open a URL in a browser; gives the URL of ours that the browser arrived at. */
export async function open(url) {
  say({ open: String(url) })
  const { value, done } = await lines.next()
  if (done) throw new Error('the test is gone')
  return new URL(JSON.parse(value).arrived)
}

export function done(result) {
  say({ done: result })
  process.exit(0)
}

export function demand(holds, what) {
  if (!holds) throw new Error(`not as it should be: ${what}`)
}
