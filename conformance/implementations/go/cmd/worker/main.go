// A worker in Go: worker -connect 127.0.0.1:9001 -queue default -slots 8
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"wiretask.example/worker"
)

func main() {
	connect := flag.String("connect", "127.0.0.1:9001", "HOST:PORT of the scheduler")
	queue := flag.String("queue", "default", "the queue to take tasks from")
	slots := flag.Int("slots", 8, "how many tasks run at a time")
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
		Handlers: worker.Conformance, Ready: ready,
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
