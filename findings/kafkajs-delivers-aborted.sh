#!/usr/bin/env bash
# KafkaJS delivers a record of an aborted transaction.
#
# One would expect: a KafkaJS consumer reads committed records only, which is its default (`readUncommitted: false`).
# Kafka's own consumer does so with isolation.level=read_committed.
#
# What happens: two transactions share a partition. A begins first, but B aborts first. The broker lists aborted
# transactions in the order in which they ended: B, then A. KafkaJS looks at the head of that list only, until the
# offset at which it began is reached. So it delivers what A wrote before B began.
#
#   A writes | B writes | A writes | B aborts | B writes again and commits | A aborts
#
# Why it matters for a stream consumer: a price that its writer took back reaches the handler like any other, and no
# error, event or log line tells. It can happen on any partition that two transactional writers share.
#
# Seen on 2026-11-30 with KafkaJS 2.2.4, Kafka 4.1.0, Node 20.20.2 (24.21.0 is the same), Java 17.0.15:
#
#   KafkaJS reads
#     first of A
#     next of B
#     end
#   kafka-clients reads
#     next of B
#     end
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
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
SETTINGS
java -cp 'jars/*' kafka.tools.StorageTool format -t FindingsFindingsFindAA -c server.properties >format.log
java -Xmx512m -cp 'jars/*' kafka.Kafka server.properties >kafka.log 2>&1 &

echo "KafkaJS $(node -p 'require("kafkajs/package.json").version'), Kafka $(java -cp 'jars/*' kafka.Kafka --version)," \
  "Node $(node --version), $(java -fullversion 2>&1)"

cat >kafkajs.mjs <<'JS'
import kafkajs from 'kafkajs'

const { Kafka, logLevel } = kafkajs
const retry = { retries: 40, maxRetryTime: 1000 }
const kafka = new Kafka({ brokers: [process.argv[2]], retry, logLevel: logLevel.NOTHING })
const topic = 'prices'
setTimeout(() => process.exit(1), 120_000).unref()

const admin = kafka.admin()
await admin.connect()
await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 1 }] })

const transactional = { idempotent: true, maxInFlightRequests: 1 }
const producers = {
  a: kafka.producer({ ...transactional, transactionalId: 'a' }),
  b: kafka.producer({ ...transactional, transactionalId: 'b' }),
  plain: kafka.producer(),
}
for (const producer of Object.values(producers)) await producer.connect()
const write = (to, value) => to.send({ topic, messages: [{ value }] })

const a = await producers.a.transaction()
await write(a, 'first of A')
const b = await producers.b.transaction()
await write(b, 'of B')
await write(a, 'second of A')
await b.abort()
// The broker takes it once the abort before it is in the log.
const next = await producers.b.transaction()
await write(next, 'next of B')
await next.commit()
await a.abort()
await write(producers.plain, 'end')

const consumer = kafka.consumer({ groupId: 'readers' })
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
await new Promise((resolve) => {
  consumer.run({
    eachMessage: async ({ message }) => {
      console.log(`  ${message.value}`)
      if (String(message.value) === 'end') resolve()
    },
  })
})
for (const client of [consumer, admin, ...Object.values(producers)]) await client.disconnect()
JS

cat >ReadCommitted.java <<'JAVA'
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

class ReadCommitted {
  public static void main(String[] arguments) {
    var settings = new Properties();
    settings.put("bootstrap.servers", arguments[0]);
    settings.put("isolation.level", "read_committed");
    try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      consumer.assign(List.of(new TopicPartition("prices", 0)));
      consumer.seekToBeginning(consumer.assignment());
      for (var value = ""; !value.equals("end");) {
        for (var record : consumer.poll(Duration.ofSeconds(1))) {
          value = record.value();
          System.out.println("  " + value);
        }
      }
    }
  }
}
JAVA

by_kafkajs=$(node --no-warnings kafkajs.mjs "127.0.0.1:$broker")
by_java=$(java -cp 'jars/*' ReadCommitted.java "127.0.0.1:$broker")
printf 'KafkaJS reads\n%s\nkafka-clients reads\n%s\n' "$by_kafkajs" "$by_java"

if [ "$by_kafkajs" != $'  first of A\n  next of B\n  end' ] || [ "$by_java" != $'  next of B\n  end' ]; then
  echo 'no longer as described' >&2
  exit 1
fi
