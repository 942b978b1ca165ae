// Writes what standard input asks for, with franz-go, one batch after the other. foreign-producers.ts has the other side.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type record struct {
	Key         *string      `json:"key"`
	Value       *string      `json:"value"`
	Headers     [][2]*string `json:"headers"`
	TimestampMs int64        `json:"timestampMs"`
}

type write struct {
	Partition int32    `json:"partition"`
	Codec     string   `json:"codec"`
	End       string   `json:"end"`
	Records   []record `json:"records"`
}

type task struct {
	Brokers       string  `json:"brokers"`
	Topic         string  `json:"topic"`
	Transactional string  `json:"transactional"`
	Writes        []write `json:"writes"`
}

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

func main() {
	var todo task
	check(json.NewDecoder(os.Stdin).Decode(&todo))
	clients := map[string]*kgo.Client{}
	for _, each := range todo.Writes {
		// One client for each codec, and another one for its transactions.
		name := each.Codec
		if each.End != "" {
			name += "-transactional"
		}
		if clients[name] == nil {
			clients[name] = connect(todo, each, name)
		}
		send(clients[name], todo.Topic, each)
	}
	for _, client := range clients {
		client.Close()
	}
}

func connect(todo task, first write, name string) *kgo.Client {
	options := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(todo.Brokers, ",")...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(codecs[first.Codec]),
	}
	if first.End != "" {
		options = append(options, kgo.TransactionalID(todo.Transactional+"-"+name))
	}
	client, err := kgo.NewClient(options...)
	check(err)
	return client
}

func send(client *kgo.Client, topic string, each write) {
	ctx := context.Background()
	if each.End != "" {
		check(client.BeginTransaction())
	}
	records := make([]*kgo.Record, 0, len(each.Records))
	for _, one := range each.Records {
		next := &kgo.Record{
			Topic: topic, Partition: each.Partition, Key: bytes(one.Key), Value: bytes(one.Value),
			Timestamp: time.UnixMilli(one.TimestampMs),
		}
		for _, header := range one.Headers {
			next.Headers = append(next.Headers, kgo.RecordHeader{Key: *header[0], Value: bytes(header[1])})
		}
		records = append(records, next)
	}
	check(client.ProduceSync(ctx, records...).FirstErr())
	if each.End != "" {
		check(client.EndTransaction(ctx, kgo.TransactionEndTry(each.End == "commit")))
	}
}

func bytes(text *string) []byte {
	if text == nil {
		return nil
	}
	decoded, err := base64.StdEncoding.DecodeString(*text)
	check(err)
	return decoded
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
