#!/usr/bin/env bash
# One member that uses Kafka's new group protocol silences the partition assigners of all KafkaJS members.
#
# One would expect: a consumer with `partitionAssigners` gets the partitions that its assigner decides, or cannot
# join.
#
# What happens: a group may hold members of both protocols, so that consumers can move to the new one
# (group.protocol=consumer, in Kafka since 4.0) one at a time. While one member uses the new one, the broker assigns
# the partitions of all. It tells no classic member that it is the leader, and only a leader is asked to assign.
# KafkaJS joins without a warning. Its GROUP_JOIN event still names the assigner as `groupProtocol`, but `assign` is
# never called.
#
# Why it matters for a stream consumer: an assigner keeps equal partitions of two topics on one member, or partitions
# where their state is. Trying the new protocol on one instance undoes that for the whole group.
#
# Seen on 2026-11-30 with KafkaJS 2.2.4, Kafka 4.1.0, Node 20.20.2 (24.21.0 is the same), Java 17.0.15:
#
#   KafkaJS alone
#     groupProtocol EvenFirst, calls of assign 1, partitions 0,2
#   KafkaJS beside a member of the new protocol
#     groupProtocol EvenFirst, calls of assign 0, partitions 2,3
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

# Joins the group by the new protocol and stays.
cat >Member.java <<'JAVA'
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;

class Member {
  public static void main(String[] arguments) {
    var settings = new Properties();
    settings.put("bootstrap.servers", arguments[0]);
    settings.put("group.protocol", "consumer");
    settings.put("group.id", arguments[1]);
    var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    consumer.subscribe(List.of("prices"));
    while (consumer.assignment().isEmpty()) consumer.poll(Duration.ofMillis(100));
    System.out.println("joined");
    while (true) consumer.poll(Duration.ofMillis(100));
  }
}
JAVA

cat >assigner.mjs <<'JS'
import kafkajs from 'kafkajs'

const { AssignerProtocol, Kafka, logLevel } = kafkajs
const [, , step, broker, groupId] = process.argv
const retry = { retries: 40, maxRetryTime: 1000 }
const kafka = new Kafka({ brokers: [broker], retry, logLevel: logLevel.NOTHING })
const topic = 'prices'
const userData = Buffer.alloc(0)
setTimeout(() => process.exit(1), 120_000).unref()

let asked = 0
/** Gives the even partitions to the first member. */
const evenFirst = () => ({
  name: 'EvenFirst',
  version: 0,
  protocol: ({ topics }) => ({
    name: 'EvenFirst',
    metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData }),
  }),
  async assign({ members }) {
    asked += 1
    return members.map(({ memberId }, index) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({
        version: 0,
        assignment: { [topic]: index === 0 ? [0, 2] : [] },
        userData,
      }),
    }))
  },
})

const admin = kafka.admin()
await admin.connect()
if (step === 'create') await admin.createTopics({ topics: [{ topic, numPartitions: 4, replicationFactor: 1 }] })
else {
  const consumer = kafka.consumer({ groupId, partitionAssigners: [evenFirst] })
  const joined = new Promise((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      if (payload.memberAssignment[topic]?.length > 0) resolve(payload)
    })
  })
  await consumer.connect()
  await consumer.subscribe({ topic })
  await consumer.run({ eachMessage: async () => {} })
  const { groupProtocol, memberAssignment } = await joined
  console.log(`groupProtocol ${groupProtocol}, calls of assign ${asked}, partitions ${memberAssignment[topic].sort()}`)
  await consumer.disconnect()
}
await admin.disconnect()
JS

node --no-warnings assigner.mjs create "127.0.0.1:$broker"
alone=$(node --no-warnings assigner.mjs join "127.0.0.1:$broker" classic)

java -cp 'jars/*' Member.java "127.0.0.1:$broker" mixed >member.log 2>&1 &
until grep -q joined member.log; do
  kill -0 $!
  sleep 0.2
done
mixed=$(node --no-warnings assigner.mjs join "127.0.0.1:$broker" mixed)
printf 'KafkaJS alone\n  %s\nKafkaJS beside a member of the new protocol\n  %s\n' "$alone" "$mixed"

if [ "$alone" != 'groupProtocol EvenFirst, calls of assign 1, partitions 0,2' ] ||
  [[ "$mixed" != 'groupProtocol EvenFirst, calls of assign 0, '* ]]; then
  echo 'no longer as described' >&2
  exit 1
fi
