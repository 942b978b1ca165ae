import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { KafkaParts } from './kafka-node.ts'
import { archiveClasses, formatOnce } from './kafka-prepare.ts'
import { redisBinaryName } from './redis-server.ts'
import { findJava, runMaven } from './toolchain.ts'

const POM = join(import.meta.dirname, 'pom.xml')

/** Tells a waiting person what is being done. */
export type Report = (line: string) => void

/** The folder of the local stack: FOREWARM_STACK_DIR, otherwise `.stack` in the repository. */
export function stackDir(): string {
  const chosen = process.env.FOREWARM_STACK_DIR
  return chosen === undefined || chosen === '' ? resolve(import.meta.dirname, '../../.stack') : resolve(chosen)
}

/** The Redis binary, fetched if it is missing. Throws a StackError. */
export async function redisPart(dir: string, report: Report): Promise<string> {
  const name = redisBinaryName(process.platform, process.arch)
  return join(await fetched(dir, report), 'redis', name)
}

/** The files that a Kafka node runs from, fetched and prepared if they are missing. Throws a StackError. */
export async function kafkaParts(dir: string, report: Report): Promise<KafkaParts> {
  const java = await findJava()
  const home = await fetched(dir, report)
  const build = createHash('sha256').update(`${java.version} ${home}`).digest('hex').slice(0, 12)
  const parts: KafkaParts = {
    java: java.file,
    classPath: join(home, 'jars', '*'),
    bootstrapCheckpoint: join(home, 'bootstrap.checkpoint'),
    classArchive: join(home, `classes-${build}.jsa`),
  }
  if (!existsSync(parts.bootstrapCheckpoint)) {
    report('formatting a Kafka folder, once')
    await made(parts.bootstrapCheckpoint, (file, work) => formatOnce({ ...parts, bootstrapCheckpoint: file }, work))
  }
  if (!existsSync(parts.classArchive)) {
    report('archiving the classes of Kafka, once, so that it starts faster')
    await made(parts.classArchive, (file, work) => archiveClasses({ ...parts, classArchive: file }, work))
  }
  return parts
}

/** The folder with the jars and Redis binaries that the pom lists. */
async function fetched(dir: string, report: Report): Promise<string> {
  const version = createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 12)
  const home = join(dir, `parts-${version}`)
  if (existsSync(home)) return home
  await findJava()
  report('fetching Kafka and Redis with Maven, once')
  await made(home, async (folder) => {
    await runMaven(['-f', POM, 'generate-resources', `-Dstack.dir=${folder}`])
    chmodSync(join(folder, 'redis', redisBinaryName(process.platform, process.arch)), 0o755)
  })
  return home
}

/**
 * Makes a file or folder beside its place and moves it there when it is complete, so that an interruption leaves
 * nothing half made. If two processes make it at once, either result will do.
 */
export async function made(target: string, make: (path: string, work: string) => Promise<void>): Promise<void> {
  const parent = resolve(target, '..')
  mkdirSync(parent, { recursive: true })
  const work = mkdtempSync(join(parent, 'making-'))
  try {
    const path = join(work, 'result')
    await make(path, work)
    if (!existsSync(target)) renameSync(path, target)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
