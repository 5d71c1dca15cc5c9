// A server in a folder of its own, for scenarios of stock providers. usage: node FILE SCENARIO BINARY
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const WAIT_MS = 20_000
const [scenario, binary] = process.argv.slice(2)
const folder = await mkdtemp(join(tmpdir(), 'tandem-text-'))

export const server = { child: null, port: 0 }

// The port that the first start found is kept, so that providers find the server again.
export async function start(...args) {
  const config = join(folder, 'tandem.toml')
  await writeFile(config, '[namespaces.text]\n[namespaces.shown]\ntext_access = "read"\n')
  const child = spawn(binary, ['serve', '--config', config, '--server.port', String(server.port), '--server.data',
    join(folder, 'data'), '--log.level', 'off', '--json', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  server.port = await new Promise((resolve, reject) => {
    let text = ''
    child.stdout.on('data', chunk => {
      text += chunk
      const found = /http:\/\/[\d.]+:(\d+)/.exec(text)
      if (found) resolve(Number(found[1]))
    })
    child.on('exit', code => reject(new Error(`the server ended with ${code}: ${text}`)))
  })
  server.child = child
}

export async function kill() {
  const gone = new Promise(resolve => server.child.on('exit', resolve))
  server.child.kill('SIGKILL')
  await gone
}

export async function until(what, condition) {
  const end = Date.now() + WAIT_MS
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`never came true: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

// Runs the scenario that the command line names; exit code 0 when all of it held.
export async function run(scenarios, providers) {
  try {
    await start()
    await scenarios[scenario]()
  } finally {
    for (const provider of providers) provider.destroy()
    server.child.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
  process.exit(0)
}
