#!/usr/bin/env bash
# OpenTelemetry's instrumentation of KafkaJS gives each record of a batch the duration of the whole batch.
#
# One would expect: the `process` span of a record lasts as long as that record takes, however it is consumed; or a
# batch has one span.
#
# What happens: with `eachMessage` a span begins and ends with its record. With `eachBatch` every record has a span
# too, but all of them begin before the handler is called and end after it. So n records of one length add up to n
# times the time that passed. The histogram messaging.process.duration is filled in the same way, as its source shows.
#
# Why it matters for a stream consumer: batches grow when it falls behind. Each record then seems to take many times
# as long, although the handler is as fast as ever. The slow record of a batch looks like the others.
#
# Seen on 2026-11-30 with @opentelemetry/instrumentation-kafkajs 0.32.0 (0.33.0, which needs Node 22, is the same),
# @opentelemetry/api 1.9.1, @opentelemetry/sdk-trace-node 2.12.1, KafkaJS 2.2.4, Kafka 4.1.0, Node 20.20.2 (24.21.0 is
# the same), Java 17.0.15:
#
#   eachMessage, 20 records
#     spans that had ended when the last record was handed over: 19
#     durations of all spans / time in the handler: 1
#   eachBatch, 20 records
#     spans that had ended when the last record was handed over: 0
#     durations of all spans / time in the handler: 20
#
# Needs Node 20, npm, JDK 17, Maven. Exits with 1 if it is no longer so.
set -euo pipefail

work=$(mktemp -d)
finish() {
  jobs -p | xargs kill -9 || true
  wait
  rm -rf "$work"
} 2>/dev/null
trap finish EXIT
cd "$work"

echo '{ "private": true }' >package.json
npm install --loglevel=error --no-audit --no-fund --ignore-scripts kafkajs@2.2.4 \
  @opentelemetry/api@1.9.1 @opentelemetry/sdk-trace-node@2.12.1 @opentelemetry/instrumentation-kafkajs@0.32.0 >/dev/null

cat >pom.xml <<'POM'
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>4.1.0</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-nop</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
POM
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory=jars \
  >mvn.log 2>&1 || { cat mvn.log >&2 && exit 1; }

read -r broker controller <<<"$(node -e '
  for (let left = 2; left > 0; left -= 1) {
    const server = require("node:net").createServer().listen(0, "127.0.0.1", () => {
      process.stdout.write(server.address().port + " ")
      setTimeout(() => server.close(), 100)
    })
  }')"
cat >server.properties <<SETTINGS
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$broker,CONTROLLER://127.0.0.1:$controller
controller.listener.names=CONTROLLER
log.dirs=$work/data
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
SETTINGS
java -cp 'jars/*' kafka.tools.StorageTool format -t FindingsFindingsFindAA -c server.properties >format.log
java -Xmx512m -cp 'jars/*' kafka.Kafka server.properties >kafka.log 2>&1 &

for package in @opentelemetry/instrumentation-kafkajs @opentelemetry/sdk-trace-node; do
  echo "$package $(node -p "require('$package/package.json').version")"
done
echo "KafkaJS $(node -p 'require("kafkajs/package.json").version'), Kafka $(java -cp 'jars/*' kafka.Kafka --version)," \
  "Node $(node --version), $(java -fullversion 2>&1)"

node --no-warnings - "127.0.0.1:$broker" <<'JS'
const { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-node')
const { KafkaJsInstrumentation } = require('@opentelemetry/instrumentation-kafkajs')
const { setTimeout: delay } = require('node:timers/promises')

const exporter = new InMemorySpanExporter()
const tracerProvider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
new KafkaJsInstrumentation().setTracerProvider(tracerProvider)
// KafkaJS comes after what watches it.
const { Kafka, logLevel } = require('kafkajs')

const retry = { retries: 40, maxRetryTime: 1000 }
const kafka = new Kafka({ brokers: [process.argv[2]], retry, logLevel: logLevel.NOTHING })
const topic = 'prices'
const records = 20
setTimeout(() => process.exit(1), 120_000).unref()

/** Reads the topic by `consume`, which is given the handler of one record. */
async function measure(groupId, consume) {
  exporter.reset()
  let handled = 0
  let inHandler = 0
  let endedBeforeLast = 0
  const processSpans = () => exporter.getFinishedSpans().filter(({ name }) => name.startsWith('process'))
  const consumer = kafka.consumer({ groupId })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  consumer.run(
    consume(async () => {
      const began = performance.now()
      endedBeforeLast = processSpans().length
      await delay(10)
      inHandler += performance.now() - began
      handled += 1
    }),
  )
  while (processSpans().length < records) await delay(50)
  await consumer.disconnect()
  const inSpans = processSpans().reduce((sum, { duration: [s, ns] }) => sum + s * 1e3 + ns / 1e6, 0)
  const times = inSpans / inHandler
  console.log(`${groupId}, ${handled} records`)
  console.log(`  spans that had ended when the last record was handed over: ${endedBeforeLast}`)
  console.log(`  durations of all spans / time in the handler: ${Math.round(times)}`)
  return { endedBeforeLast, times }
}

async function main() {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 1 }] })
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic, messages: Array.from({ length: records }, (_, at) => ({ value: `${at}` })) })
  await producer.disconnect()
  await admin.disconnect()

  const one = await measure('eachMessage', (handle) => ({ eachMessage: handle }))
  const all = await measure('eachBatch', (handle) => ({
    eachBatch: async ({ batch }) => {
      for (const message of batch.messages) await handle(message)
    },
  }))
  const own = one.endedBeforeLast === records - 1 && one.times < 3
  const shared = all.endedBeforeLast === 0 && all.times > 10
  if (own && shared) return
  console.error('no longer as described')
  process.exitCode = 1
}

main()
JS
