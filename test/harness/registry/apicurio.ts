import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startChild } from '../../../deploy/stack/child.ts'
import { made, stackDir } from '../../../deploy/stack/parts.ts'
import { allotPorts } from '../../../deploy/stack/ports.ts'
import { untilReady } from '../../../deploy/stack/ready.ts'
import { findJava, runMaven } from '../../../deploy/stack/toolchain.ts'

const VERSION = '3.0.9'
const ARTIFACT = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`
/** Later versions of the plugin read the parent of the artifact's pom, which Maven Central does not have. */
const UNPACK = 'org.apache.maven.plugins:maven-dependency-plugin:2.10:unpack'
const JVM = ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']
const READY_MS = 60_000
const GRACE_MS = 5_000

/** What a subject gets: a schema, of Avro if nothing else is said. */
export interface Registration {
  readonly schema: object | string
  readonly schemaType?: 'AVRO' | 'PROTOBUF' | 'JSON'
  readonly references?: readonly { readonly name: string; readonly subject: string; readonly version: number }[]
}

/** A real registry that speaks Confluent's API, empty at first. It ends with `stop()`, or when this process ends. */
export interface RegistryServer {
  readonly url: string
  /** Resolves to the id of the schema. */
  register(subject: string, registration: Registration): Promise<number>
  /** SIGSTOP: connections stay open, and nothing answers. */
  pause(): Promise<void>
  resume(): void
  /** May be called twice. */
  stop(): Promise<void>
}

export async function startRegistry(): Promise<RegistryServer> {
  const home = join(stackDir(), `apicurio-${VERSION}`)
  // The plugin notes what it has unpacked in the folder that it runs in. Elsewhere the next start would unpack nothing.
  if (!existsSync(home))
    await made(home, (folder, work) =>
      runMaven([UNPACK, `-Dartifact=${ARTIFACT}`, `-DoutputDirectory=${folder}`], work),
    )
  const { file } = await findJava()
  const [port = 0] = await allotPorts(['any'])
  const dir = mkdtempSync(join(tmpdir(), 'forewarm-registry-'))
  const settings = ['quarkus.http.host=127.0.0.1', `quarkus.http.port=${port}`].map((each) => `-D${each}`)
  const jar = join(home, `apicurio-registry-app-${VERSION}-runner.jar`)
  const child = await startChild(
    { file, args: [...JVM, ...settings, '-jar', jar], cwd: dir, logFile: join(dir, 'registry.log') },
    'ours',
  )
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`
  const answers = async () => (await fetch(`${url}/subjects`)).ok
  await untilReady({ timeoutMs: READY_MS, signal: child.gone }, 'the registry', answers)
  return { url, ...serving(child, { url, dir }) }
}

function serving(child: Child, { url, dir }: { readonly url: string; readonly dir: string }) {
  return {
    register: async (subject: string, { schema, ...rest }: Registration) => {
      const text = typeof schema === 'string' ? schema : JSON.stringify(schema)
      const response = await fetch(`${url}/subjects/${encodeURIComponent(subject)}/versions`, {
        method: 'POST',
        headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
        body: JSON.stringify({ schema: text, ...rest }),
      })
      const answer = await response.text()
      if (!response.ok) throw new Error(`the registry did not take the schema: ${response.status} ${answer}`)
      return Number(JSON.parse(answer).id)
    },
    pause: () => child.pause(),
    resume: () => child.resume(),
    stop: async () => {
      child.resume()
      await child.end(GRACE_MS)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
