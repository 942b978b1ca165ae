#!/usr/bin/env bash
# A group of many members that subscribe to many topics does not form, and the broker's answer does not say why.
#
# One would expect: a group may have as many members and topics as the cluster has, or is refused with a reason.
#
# What happens: the coordinator writes the subscriptions of all members into one record of __consumer_offsets. When that
# is larger than the topic's max.message.bytes (1,048,588 by default), every member is answered UNKNOWN_SERVER_ERROR,
# which clients retry. The limit is on members × topics: fifty members that subscribe to 1,400 topics with
# names of fourteen letters are beyond it.
#
# Why it matters for a stream consumer: it grows by a topic a symbol, or by a node, until one more of either stops all of
# them. A larger max.message.bytes of __consumer_offsets lets the group form again.
#
# Seen on 2026-11-30 with KafkaJS 2.2.4, Kafka 4.1.0, Node 20.20.2, Java 17.0.15:
#
#   a subscription of 900000 B: joined
#   a subscription of 1200000 B: The server experienced an unexpected error when processing the request
#   a subscription of 1200000 B, max.message.bytes=4000000: joined
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

echo "KafkaJS $(node -p 'require("kafkajs/package.json").version'), Kafka $(java -cp 'jars/*' kafka.Kafka --version)," \
  "Node $(node --version), $(java -fullversion 2>&1)"

cat >join.mjs <<'JS'
import kafkajs from 'kafkajs'

const { AssignerProtocol, ConfigResourceTypes, Kafka, logLevel } = kafkajs
const [, , broker] = process.argv
const kafka = new Kafka({ brokers: [broker], retry: { retries: 40, maxRetryTime: 1000 }, logLevel: logLevel.NOTHING })
const topic = 'prices'
setTimeout(() => process.exit(1), 120_000).unref()

/** One member whose subscription is as large as those of many. */
const large = (bytes) => () => ({
  name: 'Large',
  version: 0,
  protocol: ({ topics }) => ({
    name: 'Large',
    metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(bytes) }),
  }),
  assign: async ({ members }) =>
    members.map(({ memberId }) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: 0, assignment: { [topic]: [0] } }),
    })),
})

async function join(groupId, bytes) {
  const consumer = kafka.consumer({ groupId, partitionAssigners: [large(bytes)], retry: { retries: 1 } })
  const outcome = new Promise((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, () => resolve('joined'))
    consumer.on(consumer.events.CRASH, ({ payload }) => resolve((payload.error.cause ?? payload.error).message))
  })
  await consumer.connect()
  await consumer.subscribe({ topic })
  await consumer.run({ eachMessage: async () => {} })
  const said = await outcome
  await consumer.disconnect()
  // The topic of the coordinators has just been made.
  return said.includes('coordinator') ? join(groupId, bytes) : said
}

const admin = kafka.admin()
await admin.connect()
await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 1 }] })
console.log(`a subscription of 900000 B: ${await join('small', 900_000)}`)
console.log(`a subscription of 1200000 B: ${await join('large', 1_200_000)}`)
await admin.alterConfigs({
  validateOnly: false,
  resources: [
    {
      type: ConfigResourceTypes.TOPIC,
      name: '__consumer_offsets',
      configEntries: [
        { name: 'max.message.bytes', value: '4000000' },
        { name: 'cleanup.policy', value: 'compact' },
      ],
    },
  ],
})
console.log(`a subscription of 1200000 B, max.message.bytes=4000000: ${await join('larger', 1_200_000)}`)
await admin.disconnect()
process.exit()
JS

said=$(node --no-warnings join.mjs "127.0.0.1:$broker")
echo "$said"
if [ "$said" != "a subscription of 900000 B: joined
a subscription of 1200000 B: The server experienced an unexpected error when processing the request
a subscription of 1200000 B, max.message.bytes=4000000: joined" ]; then
  echo 'no longer as described' >&2
  exit 1
fi
