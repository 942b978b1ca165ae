#!/usr/bin/env bash
# KafkaJS resolves a `send` although no broker has stored one of its records.
#
# One would expect: `send` resolves once every record is acknowledged, by all replicas as is its default (acks -1),
# and rejects otherwise.
#
# What happens: one `send` holds records of two partitions that two brokers lead. Partition 1 has just moved to the
# leader of partition 0, and the client does not know yet. That broker stores the record of partition 0. The old
# leader of partition 1 answers that it is not the leader. KafkaJS fetches the leaders and tries again, but skips each
# broker that has answered before, and the new leader of partition 1 is one. Then `send` resolves. The log has the
# line of an ordinary retry. The result lacks partition 1, and nothing else tells.
#
# Why it matters for a stream consumer: it commits its offsets, and the result or dead letter that it sent is nowhere.
# Moving a partition to another broker is everyday work. A `send` of records of one partition is not affected.
#
# Seen on 2026-11-30 with KafkaJS 2.2.4, Kafka 4.1.0, Node 20.20.2 (24.21.0 is the same), Java 17.0.15:
#
#   send resolves: partition 0, partition 1
#   partition 1 has moved from broker 2 to broker 1
#   send resolves: partition 0
#   stored: 2 of 2 in partition 0, 1 of 2 in partition 1
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
npm install --loglevel=error --no-audit --no-fund --ignore-scripts kafkajs@2.2.4 >/dev/null

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

read -r broker_1 broker_2 controller <<<"$(node -e '
  for (let left = 3; left > 0; left -= 1) {
    const server = require("node:net").createServer().listen(0, "127.0.0.1", () => {
      process.stdout.write(server.address().port + " ")
      setTimeout(() => server.close(), 100)
    })
  }')"
# start ID ROLES LISTENERS: a broker in a folder of its own.
start() {
  mkdir "broker-$1"
  cat >"broker-$1/server.properties" <<SETTINGS
node.id=$1
process.roles=$2
listeners=$3
controller.quorum.voters=1@127.0.0.1:$controller
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$work/broker-$1/data
SETTINGS
  java -cp 'jars/*' kafka.tools.StorageTool format -t FindingsFindingsFindAA \
    -c "broker-$1/server.properties" >"broker-$1/format.log"
  java -Xmx512m -cp 'jars/*' kafka.Kafka "broker-$1/server.properties" >"broker-$1/kafka.log" 2>&1 &
}
start 1 broker,controller "PLAINTEXT://127.0.0.1:$broker_1,CONTROLLER://127.0.0.1:$controller"
start 2 broker "PLAINTEXT://127.0.0.1:$broker_2"

echo "KafkaJS $(node -p 'require("kafkajs/package.json").version'), Kafka $(java -cp 'jars/*' kafka.Kafka --version)," \
  "Node $(node --version), $(java -fullversion 2>&1)"

node --no-warnings --input-type=module - "127.0.0.1:$broker_1" <<'JS'
import kafkajs from 'kafkajs'
import { setTimeout as delay } from 'node:timers/promises'

const { Kafka, logLevel } = kafkajs
const brokers = [process.argv[2]]
const topic = 'prices'
setTimeout(() => process.exit(1), 120_000).unref()

const patient = new Kafka({ brokers, retry: { retries: 40, maxRetryTime: 1000 }, logLevel: logLevel.NOTHING })
const admin = patient.admin()
await admin.connect()
while ((await admin.describeCluster()).brokers.length < 2) await delay(200)
const replicaAssignment = [
  { partition: 0, replicas: [1] },
  { partition: 1, replicas: [2] },
]
await admin.createTopics({ topics: [{ topic, replicaAssignment }] })

const producer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer()
await producer.connect()
async function send(value) {
  const answers = await producer.send({ topic, messages: [0, 1].map((partition) => ({ partition, value })) })
  console.log(`send resolves: ${answers.map((answer) => `partition ${answer.partition}`).sort().join(', ')}`)
}

async function leaders() {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  return topics[0].partitions.map(({ leader }) => leader)
}

await send('before')
const partitionAssignment = [{ partition: 1, replicas: [1] }]
await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] })
while ((await leaders()).some((leader) => leader !== 1)) await delay(200)
// The old leader hears of it a moment later.
await delay(1000)
console.log('partition 1 has moved from broker 2 to broker 1')
await send('after')

const offsets = await admin.fetchTopicOffsets(topic)
const stored = Object.fromEntries(offsets.map(({ partition, high }) => [partition, high]))
console.log(`stored: ${stored[0]} of 2 in partition 0, ${stored[1]} of 2 in partition 1`)
await producer.disconnect()
await admin.disconnect()
if (stored[0] !== '2' || stored[1] !== '1') {
  console.error('no longer as described')
  process.exit(1)
}
JS
