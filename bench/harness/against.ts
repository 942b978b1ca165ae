import { execFileSync, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { DATASETS } from '../traffic/datasets.ts'
import { type BenchPair, bare, type Sample } from './comparison.ts'
import type { GivenStack, Message, Note } from './one-side.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const PAIRS = 20
/** Twenty pairs of what takes longer would take more than two hours. */
const LONG_PAIR_MS = 360_000
const LONG_PAIRS = 8
const MAX_ARCHIVE_BYTES = 2 ** 30
const GIT = { cwd: ROOT, maxBuffer: MAX_ARCHIVE_BYTES }

/** A folder for each side, so that edits during the run do not matter. */
export interface Trees {
  readonly work: string
  readonly ref: string
}

/** The id of a commit, or `undefined` if git knows none by that name. */
export function commitOf(ref: string): string | undefined {
  const found = spawnSync('git', ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  return found.status === 0 ? found.stdout.trim() : undefined
}

/** A symbolic link stays one; a repository inside this one, which git lists as a folder, is copied whole. */
const AS_IT_IS = { recursive: true, verbatimSymlinks: true }

/** They are removed when this process ends, also by a signal. */
export function layOut(commit: string): Trees {
  const folder = mkdtempSync(join(tmpdir(), 'forewarm-against-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const trees = { work: join(folder, 'work'), ref: join(folder, 'base') }
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], GIT).toString()
  for (const path of listed.split('\0'))
    if (path !== '' && existsSync(join(ROOT, path))) cpSync(join(ROOT, path), join(trees.work, path), AS_IT_IS)
  extract(commit, trees.ref)
  for (const tree of [trees.work, trees.ref]) givePackages(tree)
  return trees
}

/** Writes the files of a commit into a new folder, without their packages. */
export function extract(commit: string, into: string): void {
  mkdirSync(into)
  execFileSync('tar', ['-x', '-C', into], { input: execFileSync('git', ['archive', commit], GIT) })
}

function givePackages(tree: string): void {
  const lockOf = (root: string): string => readFileSync(join(root, 'package-lock.json'), 'utf8')
  if (lockOf(tree) === lockOf(ROOT)) symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'))
  else execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: tree, stdio: [0, 2, 2] })
}

/** Names of cases, stages and traffic that differ, wherever they lie: they may give both sides different work. */
export function differing({ work, ref }: Trees): readonly string[] {
  const read = (root: string, files: string) =>
    new Map(
      globSync(files, { cwd: root }).map((path) => [basename(path), bare(readFileSync(join(root, path), 'utf8'))]),
    )
  const theirs = read(ref, 'bench/**/*.ts')
  const ours = [...read(work, 'bench/!(harness)/*.ts')]
  return ours.flatMap(([name, content]) => ((theirs.get(name) ?? content) === content ? [] : [name]))
}

export interface PairsOptions {
  readonly name: string
  readonly quick: boolean
  /** Default: twenty, or fewer if one takes minutes. */
  readonly pairs: number | undefined
  /** Called by the first process that needs it; both sides share it. */
  readonly stack: () => Promise<GivenStack>
  /** Tells a person who waits how far it is. */
  readonly report: (line: string) => void
}

/** The sides take turns at going first, so that drift affects both. */
export async function* benchPairs(trees: Trees, options: PairsOptions): AsyncIterable<BenchPair> {
  let pairs = options.pairs ?? PAIRS
  for (let done = 0; done < pairs; done++) {
    const startMs = performance.now()
    const isWorkFirst = done % 2 === 0
    const first = await measured(trees, isWorkFirst ? 'work' : 'ref', options)
    const second = await measured(trees, isWorkFirst ? 'ref' : 'work', options)
    const ms = performance.now() - startMs
    if (options.pairs === undefined && done === 0 && ms > LONG_PAIR_MS) {
      pairs = LONG_PAIRS
      options.report(`${options.name} takes minutes: ${LONG_PAIRS} pairs instead of ${PAIRS}`)
    }
    options.report(`${options.name}: pair ${done + 1} of ${pairs}, ${Math.round(ms / 1000)} s`)
    yield isWorkFirst ? { work: first, ref: second } : { work: second, ref: first }
  }
}

/** Runs in a process of its own each time: how V8 compiles the same code is luck that lasts as long as a process. */
async function measured(trees: Trees, side: keyof Trees, options: PairsOptions): Promise<BenchPair['work']> {
  const { name, quick, stack } = options
  const preload = pathToFileURL(join(trees.work, 'bench/harness/one-side.ts')).href
  const child = fork(join(trees[side], 'bench/run.ts'), [name, '--json', ...(quick ? ['--quick'] : [])], {
    cwd: trees[side],
    // The files that this process was told to preload need not be in the other tree.
    execArgv: ['--disable-warning=TimeoutNegativeWarning', '--expose-gc', '--import', preload],
    env: { ...process.env, FOREWARM_DATASETS: DATASETS },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const kill = () => child.kill()
  process.once('exit', kill)
  const notes: Note[] = []
  const failed = Promise.withResolvers<never>()
  child.on('message', (message: Message) => {
    if (message !== 'stack') notes.push(message)
    else stack().then(({ brokers, redisUrl }) => child.send({ brokers, redisUrl }), failed.reject)
  })
  const printed = (stream: Readable | null) => (stream === null ? '' : text(stream))
  const ended = Promise.all([printed(child.stdout), printed(child.stderr), once(child, 'close')])
  try {
    const [out, complaints, [code]] = await Promise.race([ended, failed.promise])
    if (code !== 0) throw new Error(`bench ${name} of ${side} ended with code ${code}: ${complaints}`)
    return samplesOf(out, notes)
  } finally {
    kill()
    process.off('exit', kill)
  }
}

/** From the tree's lines of `--json`, and what notes add to them. */
export function samplesOf(lines: string, notes: readonly Note[]): BenchPair['work'] {
  const rows = lines.split('\n').filter((line) => line.startsWith('{'))
  const said = rows
    .map((row) => JSON.parse(row))
    .map(({ case: name, unit, ours, value = ours }) => ({ case: name, unit, value }))
  const samples = new Map<string, Sample>()
  for (const { case: name, ...sample } of [...said, ...notes]) samples.set(name, { ...samples.get(name), ...sample })
  return samples
}
