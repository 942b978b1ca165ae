#!/usr/bin/env bash
# KafkaJS cannot describe a topic while some partition of any other topic has no leader.
#
# One would expect: `admin.describeConfigs` of a topic needs nothing but the broker that answers, as `kafka-configs` does.
#
# What happens: KafkaJS asks for the metadata of all topics of the cluster before it asks for the settings. One partition
# without a leader, of a topic that nobody has named, makes it fail with LEADER_NOT_AVAILABLE, after all its retries.
#
# Why it matters: a topic of one replica, whose broker is away for maintenance, keeps every service of the cluster from
# starting that looks at the settings of its own topics at start.
#
# Seen on 2026-11-30 with KafkaJS 2.2.4, Kafka 4.1.0, Node 20.20.2 (24.21.0 is the same), Java 17.0.15:
#
#   kafka-configs: cleanup.policy=compact
#   KafkaJS while all partitions have leaders: cleanup.policy=compact
#   KafkaJS while a partition of another topic has none: LEADER_NOT_AVAILABLE
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

read -r first second controller <<<"$(node -e '
  for (let left = 3; left > 0; left -= 1) {
    const server = require("node:net").createServer().listen(0, "127.0.0.1", () => {
      process.stdout.write(server.address().port + " ")
      setTimeout(() => server.close(), 100)
    })
  }')"
settings() {
  cat <<SETTINGS
process.roles=$1
node.id=$2
controller.quorum.voters=1@127.0.0.1:$controller
listeners=$3
advertised.listeners=PLAINTEXT://127.0.0.1:$4
controller.listener.names=CONTROLLER
log.dirs=$work/data$2
offsets.topic.replication.factor=1
SETTINGS
}
settings broker,controller 1 "PLAINTEXT://127.0.0.1:$first,CONTROLLER://127.0.0.1:$controller" "$first" >1.properties
settings broker 2 "PLAINTEXT://127.0.0.1:$second" "$second" >2.properties
for node in 1 2; do
  java -cp 'jars/*' kafka.tools.StorageTool format -t FindingsFindingsFindAA -c $node.properties >format.log
done
java -Xmx384m -cp 'jars/*' kafka.Kafka 1.properties >1.log 2>&1 &
java -Xmx384m -cp 'jars/*' kafka.Kafka 2.properties >2.log 2>&1 &
away=$!

echo "KafkaJS $(node -p 'require("kafkajs/package.json").version'), Kafka $(java -cp 'jars/*' kafka.Kafka --version)," \
  "Node $(node --version), $(java -fullversion 2>&1)"

cat >kafkajs.mjs <<'JS'
import kafkajs from 'kafkajs'

const { ConfigResourceTypes, Kafka, logLevel } = kafkajs
const [, , broker, step] = process.argv
setTimeout(() => process.exit(1), 120_000).unref()
const kafka = new Kafka({ brokers: [broker], retry: { retries: 8, maxRetryTime: 500 }, logLevel: logLevel.NOTHING })
const admin = kafka.admin()
const pause = () => new Promise((resolve) => setTimeout(resolve, 200))

async function until(isSo) {
  while (!(await isSo().catch(() => false))) await pause()
}

function typeOf(error) {
  return error.type ?? error.cause?.type ?? error.message
}

async function policy() {
  const resources = [{ type: ConfigResourceTypes.TOPIC, name: 'near', configNames: ['cleanup.policy'] }]
  const { resources: [{ configEntries }] } = await admin.describeConfigs({ resources, includeSynonyms: false })
  return `cleanup.policy=${configEntries[0].configValue}`
}

await until(async () => {
  await admin.connect()
  if (step === 'make') return (await admin.describeCluster()).brokers.length === 2
  return admin.fetchTopicMetadata({ topics: ['away'] }).then(
    () => false,
    (error) => typeOf(error) === 'LEADER_NOT_AVAILABLE',
  )
})
if (step === 'make') {
  const topics = [
    { topic: 'near', configEntries: [{ name: 'cleanup.policy', value: 'compact' }] },
    { topic: 'away' },
  ]
  for (const [at, topic] of topics.entries())
    await admin.createTopics({ topics: [{ ...topic, replicaAssignment: [{ partition: 0, replicas: [at + 1] }] }] })
}
console.log(await policy().catch(typeOf))
await admin.disconnect()
JS

with_leaders=$(node --no-warnings kafkajs.mjs "127.0.0.1:$first" make)
{ kill -9 $away && wait $away; } 2>/dev/null || true
without=$(node --no-warnings kafkajs.mjs "127.0.0.1:$first" look)
by_java=$(java -cp 'jars/*' kafka.admin.ConfigCommand --bootstrap-server "127.0.0.1:$first" --describe --topic near |
  grep -o 'cleanup.policy=compact' | head -1)
echo "kafka-configs: $by_java"
echo "KafkaJS while all partitions have leaders: $with_leaders"
echo "KafkaJS while a partition of another topic has none: $without"

if [ "$by_java $with_leaders $without" != 'cleanup.policy=compact cleanup.policy=compact LEADER_NOT_AVAILABLE' ]; then
  echo 'no longer as described' >&2
  exit 1
fi
