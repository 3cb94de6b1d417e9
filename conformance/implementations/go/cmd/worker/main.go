// A worker in Go: worker -connect 127.0.0.1:9001 -queue default -slots 8
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"wiretask.example/worker"
)

func main() {
	connect := flag.String("connect", "127.0.0.1:9001", "HOST:PORT of the scheduler")
	queue := flag.String("queue", "default", "the queue to take tasks from")
	slots := flag.Int("slots", 8, "how many tasks run at a time")
	file := flag.String("credentials", "", "a file with KEY_ID:TOKEN, where the scheduler wants it")
	flag.Parse()
	if *slots < 1 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	var once sync.Once
	ready := func() { once.Do(func() { fmt.Println("ready") }) }
	host, _ := os.Hostname() // for people only: none is as good
	w := worker.New(worker.Config{
		Address: *connect, Queue: *queue, Slots: *slots, Name: fmt.Sprintf("%s/%d", host, os.Getpid()),
		Handlers: worker.Conformance, Ready: ready, Credentials: read(*file),
	})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-signals
		w.Drain()
		<-signals
		os.Exit(130)
	}()
	if err := w.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(3)
	}
}

// read reads credentials from their file: on a command line everybody could read them.
func read(file string) *worker.Credentials {
	if file == "" {
		return nil
	}
	text, err := os.ReadFile(file)
	var credentials *worker.Credentials
	if err == nil {
		credentials, err = worker.ParseCredentials(strings.TrimSpace(string(text)))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(2)
	}
	return credentials
}
