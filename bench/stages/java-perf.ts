import { execFile } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { kafkaParts, stackDir } from '../../deploy/stack/parts.ts'
import { runMaven } from '../../deploy/stack/toolchain.ts'

const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'
/** Those of Kafka's own scripts. */
const JVM = ['-Xmx512m', '-server', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20']

/** Runs one of Kafka's own performance tools and resolves to its output. */
export async function javaPerf(
  tool: 'ConsumerPerformance' | 'ProducerPerformance',
  args: readonly string[],
): Promise<string> {
  const { java, classPath } = await kafkaParts(stackDir(), console.error)
  const jars = [await toolsJar(dirname(classPath)), classPath].join(delimiter)
  const { stdout } = await promisify(execFile)(java, [...JVM, '-cp', jars, `org.apache.kafka.tools.${tool}`, ...args])
  return stdout
}

/** The tools of the Kafka whose jars lie in `jars`. They are fetched here, since nobody but a bench needs them. */
async function toolsJar(jars: string): Promise<string> {
  const [clients = ''] = globSync('kafka-clients-*.jar', { cwd: jars })
  const folder = join(stackDir(), 'tools')
  const file = join(folder, clients.replace('clients', 'tools'))
  const version = clients.slice('kafka-clients-'.length, -'.jar'.length)
  if (!existsSync(file))
    await runMaven([COPY, `-Dartifact=org.apache.kafka:kafka-tools:${version}`, `-DoutputDirectory=${folder}`])
  return file
}
