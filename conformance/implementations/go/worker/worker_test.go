package worker

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"wiretask.example/wiretask"
)

func TestATaskIsRunAndItsResultKeptUntilItIsAccepted(t *testing.T) {
	s := listen(t, 1, Conformance)
	p := s.subscribed(nil)
	p.task(7, "sha256", "Hello, World!", nil)
	if credit := p.expect("Credit"); credit["begun"] != uint64(7) {
		t.Errorf("begun is not told: %v", credit)
	}
	result := p.expect("Result")
	digest := "dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f"
	if result["outcome"] != wiretask.Succeeded || string(p.report(result)["body"].([]byte)) != digest {
		t.Errorf("%v", result)
	}
	_ = p.conn.Close()

	p = s.meet()
	p.accept("second session16", nil)
	resume := p.expect("Resume")
	if string(resume["session"].([]byte)) != "first session 16" || len(resume["leases"].([]any)) != 1 {
		t.Errorf("%v", resume)
	}
	p.say("Resume", fields{"session": []byte("second session16"), "leases": resume["leases"]})
	p.expect("Subscribe")
	if again := p.expect("Result"); again["seq"] != uint64(1) || !bytes.Equal(again["report"].([]byte), result["report"].([]byte)) {
		t.Errorf("%v", again)
	}
	p.say("Accepted", fields{"seq": uint64(1)})
	p.nothing()
}

func TestWhatAResumeDoesNotKeepIsAbandoned(t *testing.T) {
	s := listen(t, 1, Conformance)
	p := s.subscribed(nil)
	p.task(7, "conformance.wait", "", nil)
	p.expect("Credit")
	_ = p.conn.Close()

	p = s.meet()
	p.accept("second session16", nil)
	p.expect("Resume")
	p.say("Resume", fields{"session": []byte("second session16"), "leases": []any{}})
	p.expect("Subscribe")
	p.nothing()
}

func TestTheFormerTokenIsProvedUntilAResumeIsAnswered(t *testing.T) {
	s := listen(t, 1, Conformance)
	p := s.subscribed(nil)
	p.task(7, "conformance.wait", "", nil)
	p.expect("Credit")
	_ = p.conn.Close()
	p = s.meet()
	p.accept("second session16", nil)
	p.expect("Resume")
	_ = p.conn.Close()

	p = s.meet()
	p.accept("third session 16", nil)
	if resume := p.expect("Resume"); string(resume["session"].([]byte)) != "first session 16" {
		t.Errorf("%q", resume["session"])
	}
}

func TestALeaseIsNamedOnceInAResume(t *testing.T) {
	s := listen(t, 1, Conformance)
	p := s.subscribed(nil)
	p.task(7, "conformance.wait", "", nil)
	p.expect("Credit")
	p.say("Retract", fields{"task_id": taskID, "lease": uint64(7)})
	if kept := p.expect("Return"); kept["reason"] != wiretask.ReturnKept {
		t.Errorf("%v", kept)
	}
	_ = p.conn.Close()
	p = s.meet()
	p.accept("second session16", nil)
	if leases := p.expect("Resume")["leases"].([]any); len(leases) != 1 {
		t.Errorf("%v", leases)
	}
}

func TestARefusedResumeAbandonsEverything(t *testing.T) {
	s := listen(t, 1, Conformance)
	p := s.subscribed(nil)
	_ = p.conn.Close()
	p = s.meet()
	p.accept("second session16", nil)
	p.expect("Resume")
	p.say("Error", fields{"code": uint64(305), "scope": uint64(1), "retry": uint64(0), "command": uint64(19), "seq": uint64(0), "text": ""})
	p.expect("Subscribe")
}

func TestACostlyTaskTakesItsSlots(t *testing.T) {
	s := listen(t, 2, Conformance)
	p := s.subscribed(nil)
	p.task(1, "conformance.wait", "", fields{"cost": uint64(2)})
	p.task(2, "conformance.echo", "", nil)
	p.expect("Credit")
	p.nothing()
	p.say("Cancel", fields{"seq": uint64(1), "task_id": taskID, "lease": uint64(1), "mode": wiretask.CancelCooperative})
	if first := p.expect("Result"); first["lease"] != uint64(1) || first["outcome"] != wiretask.Cancelled {
		t.Errorf("%v", first)
	}
	if second := p.expect("Result"); second["lease"] != uint64(2) {
		t.Errorf("%v", second)
	}
}

func TestATaskBeyondTheWindowIsGivenBack(t *testing.T) {
	s := listen(t, 1, Conformance)
	p := s.subscribed(nil)
	p.task(1, "conformance.wait", "", nil)
	p.task(2, "conformance.echo", "", fields{"cost": uint64(2)})
	if back := p.expect("Return"); back["lease"] != uint64(2) || back["reason"] != wiretask.ReturnOverloaded {
		t.Errorf("%v", back)
	}
}

func TestAResultThatDoesNotFitIsAFailureThatIsNotTriedAgain(t *testing.T) {
	s := listen(t, 1, Conformance)
	p := s.subscribed(fields{"frame_limit": uint64(65536)})
	p.task(1, "conformance.large", "70000", nil)
	result := p.expect("Result")
	if result["outcome"] != wiretask.Failed || result["no_retry"] != true || p.report(result)["error_type"] != "ResultTooLarge" {
		t.Errorf("%v", result)
	}
	p.task(2, "conformance.large", "60000", nil)
	if fits := p.expect("Result"); fits["outcome"] != wiretask.Succeeded {
		t.Errorf("%v", fits["outcome"])
	}
}

func TestWordsThatNoReportCanHoldAreMended(t *testing.T) {
	s := listen(t, 1, Conformance)
	p := s.subscribed(nil)
	p.task(1, "conformance.fail", "\xff\x00"+strings.Repeat("é", 40000), nil)
	report := p.report(p.expect("Result"))
	if report["error_type"] != "ConformanceError" || !strings.HasPrefix(report["error_message"].(string), "\uFFFD\uFFFDé") {
		t.Errorf("%.40v", report)
	}
}

func TestADrainGivesBackWhatWaitsAndEndsWhenAllIsAccepted(t *testing.T) {
	s := listen(t, 1, Conformance)
	p := s.subscribed(nil)
	p.task(1, "conformance.sleep", "50", nil)
	p.task(2, "conformance.echo", "", nil)
	p.expect("Credit")
	p.nothing()
	s.worker.Drain()
	s.worker.Drain() // says nothing twice
	p.expect("Goodbye")
	if back := p.expect("Return"); back["lease"] != uint64(2) || back["reason"] != wiretask.ReturnDrain {
		t.Errorf("%v", back)
	}
	p.task(3, "conformance.echo", "", nil) // was on its way
	if back := p.expect("Return"); back["lease"] != uint64(3) || back["reason"] != wiretask.ReturnDrain {
		t.Errorf("%v", back)
	}
	p.expect("Result")
	p.say("Accepted", fields{"seq": uint64(3)})
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
}

func TestAnEnvelopeThatCannotBeReadIsGivenBack(t *testing.T) {
	s := listen(t, 1, Conformance)
	p := s.subscribed(nil)
	p.say("Task", fields{"task_id": taskID, "lease": uint64(1), "attempt": uint64(1), "time_limit": uint64(0), "remaining": uint64(0),
		"envelope": []byte("\x01t\x01q\x00\x01\x80\x09\x00\x00\x00\x00\x00\x00\x00\x00")})
	if back := p.expect("Return"); back["reason"] != wiretask.ReturnUnsupported {
		t.Errorf("%v", back)
	}
	p.nothing()
}

func TestACallbackGetsTheResultsOfItsGroup(t *testing.T) {
	s := listen(t, 1, Conformance)
	p := s.subscribed(nil)
	report, _ := wiretask.EncodeRelayed(wiretask.Relayed["Report"], fields{"encoding": wiretask.EncodingRaw, "body": []byte("a")})
	members := []any{
		fields{"outcome": wiretask.Succeeded, "report": report},
		fields{"outcome": wiretask.Failed, "report": report},
	}
	p.task(1, "conformance.gathered", "", fields{"gathered": fields{"form": uint64(1), "results": members}})
	if body := p.report(p.expect("Result"))["body"]; string(body.([]byte)) != "a,!2" {
		t.Errorf("%q", body)
	}
	members[0].(fields)["report"] = []byte{0xff}
	p.task(2, "conformance.gathered", "", fields{"gathered": fields{"form": uint64(1), "results": members}})
	if back := p.expect("Return"); back["reason"] != wiretask.ReturnUnsupported {
		t.Errorf("%v", back)
	}
}

func TestASchedulerThatDoesNotReadStopsNoHandler(t *testing.T) {
	over := make(chan struct{})
	s := listen(t, 1, map[string]Handler{"flood": func(_ context.Context, task Task) ([]byte, error) {
		for i := 0; i < 5000; i++ {
			task.Progress(1, 2, make([]byte, 10000))
		}
		close(over)
		return nil, nil
	}})
	p := s.subscribed(nil)
	p.task(1, "flood", "", nil)
	select {
	case <-over:
	case <-time.After(patience):
		t.Fatal("the handler waits for the scheduler")
	}
}

func TestAWorkerThatLooksForItsSchedulerStopsAtOnce(t *testing.T) {
	listener, _ := net.Listen("tcp", "127.0.0.1:0")
	address := listener.Addr().String()
	_ = listener.Close()
	w := New(Config{Address: address, Queue: "q", Slots: 1})
	ended := make(chan error, 1)
	go func() { ended <- w.Run() }()
	w.Stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestASilentSchedulerIsLeft(t *testing.T) {
	s := listen(t, 1, Conformance)
	p := s.subscribed(fields{"heartbeat": uint64(100)})
	for i := 0; i < 2; i++ {
		if ping := p.expect("Hello"); ping["kind"] != wiretask.Ping {
			t.Errorf("%v", ping)
		}
	}
	if said := p.expect("Error"); said["code"] != uint64(wiretask.Silent) || said["retry"] != uint64(1) {
		t.Errorf("%v", said)
	}
	s.meet().expect("Hello")
}

func TestAFrameThatHardlyGrowsIsTooSlow(t *testing.T) {
	s := listen(t, 1, Conformance)
	p := s.subscribed(fields{"heartbeat": uint64(100)})
	for i := 0; i < 4; i++ { // more would find the connection closed
		_, _ = p.conn.Write([]byte{1, 0, 0, 1, 0, 0, 0, 0}[i : i+1])
		time.Sleep(60 * time.Millisecond)
	}
	for {
		message := p.next()
		if message.Name == "Error" {
			if message.Fields["code"] != uint64(wiretask.FrameTooSlow) {
				t.Errorf("%v", message.Fields)
			}
			return
		}
	}
}

func TestARetractIsAnsweredBeforeThePingAfterIt(t *testing.T) {
	s := listen(t, 1, Conformance)
	p := s.subscribed(nil)
	p.task(1, "conformance.wait", "", nil)
	p.expect("Credit")
	retract, _ := wiretask.Encode(wiretask.ByName["Retract"], fields{"task_id": taskID, "lease": uint64(1)})
	ping, _ := wiretask.Encode(wiretask.ByName["Hello"], fields{"kind": wiretask.Ping, "nonce": uint64(1)})
	if _, err := p.conn.Write(append(retract, ping...)); err != nil {
		t.Fatal(err)
	}
	p.expect("Return")
	p.expect("Hello")
}
