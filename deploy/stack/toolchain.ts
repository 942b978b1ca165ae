import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { StackError, systemCode } from './stack-error.ts'

const run = promisify(execFile)

const OLDEST_JAVA = 17
const ADVICE =
  'or set KAFKA_BROKERS and REDIS_URL to a Kafka and a Redis of your own; `npm run test:unit` needs neither'

export interface Java {
  readonly file: string
  /** The whole output of `java -version`: a class archive is valid for exactly one build. */
  readonly version: string
}

/** The Java of JAVA_HOME, otherwise of PATH. Throws a StackError that says what to install. */
export async function findJava(): Promise<Java> {
  const home = process.env.JAVA_HOME
  const file = home === undefined || home === '' ? 'java' : join(home, 'bin', 'java')
  let version: string
  try {
    version = (await run(file, ['-version'])).stderr
  } catch (cause) {
    const message = `No Java (${file}): install a JDK ${OLDEST_JAVA} or newer and Maven, ${ADVICE}.`
    throw new StackError('java-missing', message, { cause })
  }
  const major = Number(/version "(\d+)/.exec(version)?.[1])
  if (major >= OLDEST_JAVA) return { file, version }
  const found = version.split('\n')[0] ?? 'no version'
  throw new StackError('java-too-old', `Java is too old (${found}): install a JDK ${OLDEST_JAVA} or newer, ${ADVICE}.`)
}

/** Runs Maven without its output, in the folder `cwd`. Throws a StackError that says what to install, or what Maven's first error was. */
export async function runMaven(args: readonly string[], cwd = process.cwd()): Promise<void> {
  try {
    await run('mvn', ['-q', '-B', ...args], { cwd })
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') {
      throw new StackError('maven-missing', `No Maven (mvn): install Maven 3.6 or newer, ${ADVICE}.`, { cause })
    }
    const printed =
      typeof cause === 'object' && cause !== null && 'stdout' in cause ? String(cause.stdout) : String(cause)
    const reason = printed.split('\n').find((line) => line.startsWith('[ERROR]')) ?? printed.trim()
    throw new StackError('fetch-failed', `Maven could not fetch what is needed: ${reason}`, { cause })
  }
}
