// goroutines: what Go's runtime asks of a kernel: threads that come and go, timers, channels, a collector that preempts
// goroutines by signals, and child processes.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// sum adds numbers that many goroutines send through one channel.
func sum(senders, each int) int {
	numbers := make(chan int)
	var group sync.WaitGroup
	for s := 0; s < senders; s++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := 1; i <= each; i++ {
				numbers <- i
			}
		}()
	}
	go func() { group.Wait(); close(numbers) }()
	total := 0
	for n := range numbers {
		total += n
	}
	return total
}

type node struct{ left, right *node }

func tree(depth int) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{tree(depth - 1), tree(depth - 1)}
}

func (n *node) count() int {
	if n.left == nil {
		return 1
	}
	return 1 + n.left.count() + n.right.count()
}

func main() {
	fmt.Println("channels:", sum(100, 200))

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	nodes := 0
	for i := 0; i < 20; i++ {
		nodes += tree(14).count()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	fmt.Println("collector:", nodes, after.NumGC > before.NumGC, after.HeapAlloc < 16<<20)

	// A loop without calls is stopped by a signal only.
	var stop atomic.Bool
	go func() {
		for !stop.Load() {
		}
	}()
	time.Sleep(20 * time.Millisecond)
	runtime.GC()
	stop.Store(true)
	fmt.Println("preempted")

	start := time.Now()
	ticker := time.NewTicker(5 * time.Millisecond)
	for i := 0; i < 4; i++ {
		<-ticker.C
	}
	elapsed := time.Since(start)
	fmt.Println("ticker:", elapsed >= 19*time.Millisecond)

	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println("signal:", <-caught)

	command := exec.Command("/bin/sh", "-c", "tr a-z A-Z; exit 3")
	command.Stdin = bytes.NewBufferString("to a child\n")
	output, err := command.Output()
	fmt.Printf("child: %q %v\n", output, err)

	// Threads blocked in the kernel, each on a pipe of its own.
	var group sync.WaitGroup
	for i := 0; i < 32; i++ {
		r, w, err := os.Pipe()
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		group.Add(1)
		go func() { defer group.Done(); r.Read(make([]byte, 1)) }()
		time.AfterFunc(time.Millisecond, func() { w.Write([]byte{1}) })
	}
	group.Wait()
	func() {
		defer func() { fmt.Println("recovered:", recover()) }()
		var nothing *node
		nothing.left = nothing
	}()
	if _, err := os.Stat("/missing"); os.IsNotExist(err) {
		fmt.Println("done")
	}
}
