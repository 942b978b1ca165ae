import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Kafka's own producer and consumer, driven from outside: a line of JSON on standard input is a command, and a line of
 * JSON on standard output is its answer. It ends when its standard input does. java-peer.ts has the other side.
 */
public class JavaPeer {
  static final ObjectMapper JSON = new ObjectMapper();
  static final String[] CODECS = {"none", "gzip", "snappy", "lz4", "zstd"};
  static final int WORKERS = 6;
  static final int PLAIN = -1;
  static final int HOLDER = -2;

  final String brokers;
  final String name;
  final Admin admin;
  final Map<String, Writer> writers = new ConcurrentHashMap<>();
  /** The first offset of the open transaction that is held back in a partition. */
  final Map<TopicPartition, Long> held = new ConcurrentHashMap<>();
  Member member;

  JavaPeer(String brokers, String name) {
    this.brokers = brokers;
    this.name = name;
    this.admin = Admin.create(Map.of("bootstrap.servers", brokers));
  }

  public static void main(String[] args) throws Exception {
    JavaPeer peer = new JavaPeer(args[0], args[1]);
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      ObjectNode answer = JSON.createObjectNode();
      try {
        peer.answer(JSON.readTree(line), answer);
      } catch (Throwable failure) {
        answer.removeAll().put("error", failure + " caused by " + failure.getCause());
      }
      out.println(answer);
      out.flush();
    }
    // Open transactions are the broker's to abort.
    Runtime.getRuntime().halt(0);
  }

  void answer(JsonNode command, ObjectNode answer) throws Exception {
    switch (command.get("do").asText()) {
      case "write" -> write(command);
      case "read" -> read(command, answer);
      case "release" -> release(command);
      case "join" -> member = new Member(command);
      case "member" -> {
        answer.putArray("assigned");
        answer.putArray("seen");
        if (member != null) member.tell(answer);
      }
      case "leave" -> member.leave();
      default -> throw new IllegalArgumentException("unknown command " + command);
    }
  }

  /** One producer, the transaction that it may have open, and nothing of anybody else's thread. */
  class Writer {
    final KafkaProducer<byte[], byte[]> producer;
    final boolean isTransactional;
    boolean isOpen = false;

    Writer(String id, String codec, boolean isTransactional) {
      Map<String, Object> config = new HashMap<>(Map.of(
          "bootstrap.servers", brokers, "compression.type", codec, "buffer.memory", 16 << 20, "batch.size", 1 << 18,
          // A flush sends at once; until then records gather, so that a step is one batch.
          "linger.ms", 60_000, "delivery.timeout.ms", 120_000, "retry.backoff.ms", 2, "retry.backoff.max.ms", 10,
          "key.serializer", ByteArraySerializer.class, "value.serializer", ByteArraySerializer.class));
      config.put("transaction.timeout.ms", 600_000);
      config.put("max.request.size", 4 << 20);
      if (isTransactional) config.put("transactional.id", name + "-" + id);
      if (!isTransactional) config.remove("transaction.timeout.ms");
      this.isTransactional = isTransactional;
      producer = new KafkaProducer<>(config);
      if (isTransactional) producer.initTransactions();
    }

    /** Returns the first offset. */
    synchronized long send(TopicPartition to, JsonNode records) throws Exception {
      if (isTransactional && !isOpen) producer.beginTransaction();
      isOpen = isTransactional;
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (JsonNode record : records) sent.add(producer.send(recordOf(to, record)));
      producer.flush();
      for (Future<RecordMetadata> each : sent) each.get();
      return sent.get(0).get().offset();
    }

    synchronized void end(String how) {
      if (!isOpen) return;
      isOpen = false;
      if (how.equals("commit")) producer.commitTransaction();
      else producer.abortTransaction();
    }
  }

  /** A consumer in a group, which polls on a thread of its own and commits what it has read. */
  class Member implements ConsumerRebalanceListener {
    final Set<String> assigned = Collections.synchronizedSet(new TreeSet<>());
    final List<String> seen = Collections.synchronizedList(new ArrayList<>());
    volatile Throwable failure;
    volatile boolean isLeaving = false;
    final Thread thread;

    Member(JsonNode command) {
      Map<String, Object> config = new HashMap<>(Map.of(
          "bootstrap.servers", brokers, "group.id", command.get("groupId").asText(), "auto.offset.reset", "earliest",
          "key.deserializer", ByteArrayDeserializer.class, "value.deserializer", ByteArrayDeserializer.class));
      command.get("config").fields().forEachRemaining(each -> config.put(each.getKey(), each.getValue().asText()));
      List<String> topics = new ArrayList<>();
      for (JsonNode topic : command.get("topics")) topics.add(topic.asText());
      thread = new Thread(() -> poll(config, topics));
      thread.start();
    }

    void poll(Map<String, Object> config, List<String> topics) {
      try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(config)) {
        consumer.subscribe(topics, this);
        while (!isLeaving)
          for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(50)))
            seen.add(new String(record.value(), StandardCharsets.UTF_8));
      } catch (Throwable thrown) {
        failure = thrown;
      }
    }

    void tell(ObjectNode answer) {
      synchronized (assigned) {
        answer.set("assigned", JSON.valueToTree(assigned));
      }
      synchronized (seen) {
        answer.set("seen", JSON.valueToTree(seen));
      }
      if (failure != null) answer.put("failure", failure.toString());
    }

    void leave() throws Exception {
      isLeaving = true;
      thread.join();
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
      for (TopicPartition each : partitions) assigned.add(each.topic() + "/" + each.partition());
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
      for (TopicPartition each : partitions) assigned.remove(each.topic() + "/" + each.partition());
    }
  }

  static ProducerRecord<byte[], byte[]> recordOf(TopicPartition to, JsonNode record) {
    RecordHeaders headers = new RecordHeaders();
    for (JsonNode header : record.get("headers")) headers.add(header.get(0).asText(), bytes(header.get(1)));
    Long timestamp = record.has("timestampMs") ? record.get("timestampMs").asLong() : null;
    return new ProducerRecord<>(
        to.topic(), to.partition(), timestamp, bytes(record.get("key")), bytes(record.get("value")), headers);
  }

  static byte[] bytes(JsonNode base64) {
    return base64 == null || base64.isNull() ? null : Base64.getDecoder().decode(base64.asText());
  }

  /** Runs the schedules, each in order and several at once. Returns when all markers of ended transactions are written. */
  void write(JsonNode command) throws Exception {
    String topic = command.get("topic").asText();
    Queue<JsonNode> waiting = new ConcurrentLinkedQueue<>();
    List<TopicPartition> partitions = new ArrayList<>();
    for (JsonNode schedule : command.get("schedules")) {
      waiting.add(schedule);
      partitions.add(new TopicPartition(topic, schedule.get("partition").asInt()));
    }
    ExecutorService pool = Executors.newFixedThreadPool(WORKERS);
    List<Callable<Void>> tasks = new ArrayList<>();
    for (int worker = 0; worker < WORKERS; worker++) {
      int number = worker;
      tasks.add(() -> {
        for (JsonNode schedule = waiting.poll(); schedule != null; schedule = waiting.poll())
          run(topic, schedule, number);
        return null;
      });
    }
    for (Future<Void> task : pool.invokeAll(tasks)) task.get();
    pool.shutdown();
    settle(partitions);
  }

  void run(String topic, JsonNode schedule, int worker) throws Exception {
    TopicPartition to = new TopicPartition(topic, schedule.get("partition").asInt());
    for (JsonNode step : schedule.get("steps")) {
      Writer writer = writer(step.get("by").asInt(), worker);
      if (step.has("end")) writer.end(step.get("end").asText());
      else {
        long first = writer.send(to, step.get("records"));
        if (step.get("by").asInt() == HOLDER) held.putIfAbsent(to, first);
      }
    }
  }

  Writer writer(int by, int worker) {
    if (by == HOLDER) return writers.computeIfAbsent("holder", id -> new Writer(id, "none", true));
    String id = by == PLAIN ? "plain-" + worker : worker + "-" + by;
    return writers.computeIfAbsent(id, made -> new Writer(made, CODECS[(by + 5) % CODECS.length], by != PLAIN));
  }

  /** Ends the transaction that is held open, in all partitions. */
  void release(JsonNode command) throws Exception {
    writer(HOLDER, 0).end(command.get("end").asText());
    List<TopicPartition> partitions = new ArrayList<>(held.keySet());
    held.clear();
    settle(partitions);
  }

  /** An ended transaction is readable only when its marker is in the log, a moment later. */
  void settle(List<TopicPartition> partitions) throws Exception {
    while (true) {
      Map<TopicPartition, Long> stable = ends(partitions, IsolationLevel.READ_COMMITTED);
      Map<TopicPartition, Long> high = ends(partitions, IsolationLevel.READ_UNCOMMITTED);
      if (partitions.stream().allMatch(each -> stable.get(each).equals(held.getOrDefault(each, high.get(each)))))
        return;
      Thread.sleep(5);
    }
  }

  Map<TopicPartition, Long> ends(List<TopicPartition> partitions, IsolationLevel isolation) throws Exception {
    Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
    for (TopicPartition partition : partitions) asked.put(partition, OffsetSpec.latest());
    Map<TopicPartition, Long> ends = new HashMap<>();
    admin.listOffsets(asked, new ListOffsetsOptions(isolation)).all().get().forEach((at, info) -> ends.put(at, info.offset()));
    return ends;
  }

  /** Reads committed records from the given offsets to the stable ends. */
  void read(JsonNode command, ObjectNode answer) throws Exception {
    Map<TopicPartition, List<String>> lines = new HashMap<>();
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(Map.of(
        "bootstrap.servers", brokers, "isolation.level", "read_committed", "enable.auto.commit", false,
        "auto.offset.reset", "none", "fetch.max.wait.ms", 20, "max.poll.records", 5_000,
        "key.deserializer", ByteArrayDeserializer.class, "value.deserializer", ByteArrayDeserializer.class))) {
      Map<TopicPartition, Long> starts = new HashMap<>();
      for (JsonNode start : command.get("starts"))
        starts.put(new TopicPartition(start.get("topic").asText(), start.get("partition").asInt()), start.get("from").asLong());
      consumer.assign(starts.keySet());
      starts.forEach(consumer::seek);
      starts.keySet().forEach(partition -> lines.put(partition, new ArrayList<>()));
      Map<TopicPartition, Long> ends = consumer.endOffsets(starts.keySet());
      while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue()))
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(50)))
          lines.get(new TopicPartition(record.topic(), record.partition())).add(lineOf(record));
      for (TopicPartition partition : starts.keySet()) {
        ObjectNode read = answer.putObject(partition.topic() + "/" + partition.partition());
        read.put("position", Long.toString(consumer.position(partition)));
        read.put("stableEnd", Long.toString(ends.get(partition)));
        read.set("records", JSON.valueToTree(lines.get(partition)));
      }
    }
  }

  /** As comparison.ts writes them: offset, timestamp, key, value, headers. */
  static String lineOf(ConsumerRecord<byte[], byte[]> record) {
    StringBuilder line = new StringBuilder();
    line.append(record.offset()).append(' ').append(record.timestamp());
    line.append(' ').append(text(record.key())).append(' ').append(text(record.value()));
    // The port has no absent value of a header: it is empty there.
    for (Header header : record.headers())
      line.append(' ').append(text(header.key().getBytes(StandardCharsets.UTF_8))).append(':')
          .append(text(header.value() == null ? new byte[0] : header.value()));
    return line.toString();
  }

  static String text(byte[] bytes) {
    return bytes == null ? "-" : Base64.getEncoder().encodeToString(bytes);
  }
}
