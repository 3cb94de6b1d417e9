package worker

import (
	"bytes"
	"strings"
	"testing"

	"wiretask.example/wiretask"
)

// The token of the example in PROTOCOL.md, "Authentication".
const exampleToken = "wiretask-example-token-0123456789abcdef"

// counting are octets from a first one on.
func counting(from byte, octets int) []byte {
	made := make([]byte, octets)
	for i := range made {
		made[i] = from + byte(i)
	}
	return made
}

func TestTheExampleOfTheDocumentIsWhatIsProved(t *testing.T) {
	versions := fields{"min_version": uint64(1), "max_version": uint64(1)}
	opening := fields{"kind": wiretask.Open, "nonce": uint64(0x0102030405060708), "versions": versions, "role": uint64(2), "key_id": "billing"}
	p := &proving{token: []byte(exampleToken), open: payload("Hello", opening)}
	p.challenge = payload("Auth", fields{"kind": wiretask.Challenge, "nonce": counting(0x20, 32)})
	p.nonce = counting(0x60, 32)
	wanted := []byte{0x25, 0x28, 0x87, 0xab, 0x5b, 0x98, 0x2e, 0x4b, 0xc9, 0x64, 0xd9, 0x4f, 0x47, 0x12, 0x01, 0x09}
	if got := p.proof("wiretask1 client"); !bytes.HasPrefix(got, wanted) {
		t.Fatalf("%x is not the proof of the document", got)
	}
	proof := []byte("\x62\xc0\x08\x54\x86\x27\xb4\xfd\xf2\x23\xed\xd9\x45\xe6\x74\xd8\x55\xc3\x68\x38\x13\xcd\x78\x99\x49\x7e\xee\x0c\x92\x22\x3b\x67")
	accept := fields{
		"kind": wiretask.Accept, "nonce": uint64(0x0102030405060708), "version": uint64(1), "heartbeat": uint64(5000),
		"in_flight": uint64(100000), "dedup_window": uint64(3600000), "proof": proof,
	}
	if !p.proved(accept) {
		t.Fatal("the accept of the document is not taken")
	}
	accept["in_flight"] = uint64(1)
	if p.proved(accept) {
		t.Fatal("an accept that was changed is taken")
	}
}

// guarded is a scheduler that wants a token of the worker, and has its open.
func guarded(t *testing.T) (*scheduler, *peer, *proving) {
	t.Helper()
	s := listenWith(t, Config{Queue: "q", Slots: 1, Credentials: &Credentials{keyID: "go", token: []byte(exampleToken)}})
	p := s.meet()
	open := p.expect("Hello")
	if open["key_id"] != "go" {
		t.Fatalf("%v names another key", open)
	}
	p.nonce = open["nonce"]
	return s, p, &proving{token: []byte(exampleToken), open: payload("Hello", open)}
}

func TestAWorkerProvesAndIsServed(t *testing.T) {
	_, p, scheduler := guarded(t)
	challenge := fields{"kind": wiretask.Challenge, "nonce": counting(1, 32)}
	scheduler.challenge = payload("Auth", challenge)
	p.reads.Decide("challenged")
	p.say("Auth", challenge)
	proof := p.expect("Auth")
	scheduler.nonce = proof["nonce"].([]byte)
	if !bytes.Equal(proof["proof"].([]byte), scheduler.proof("wiretask1 client")) {
		t.Fatal("the proof is wrong")
	}
	accept := fields{"kind": wiretask.Accept, "nonce": p.nonce, "version": uint64(1), "session": []byte("first session 16"), "proof": make([]byte, 32)}
	accept["proof"] = scheduler.proof("wiretask1 server", payload("Hello", accept))
	p.reads.Decide("worker_new")
	p.say("Hello", accept)
	p.expect("Subscribe")
}

func TestASchedulerThatDoesNotProveIsLeftForGood(t *testing.T) {
	s, p, _ := guarded(t)
	p.reads.Decide("worker_new")
	p.say("Hello", fields{"kind": wiretask.Accept, "nonce": p.nonce, "version": uint64(1), "session": []byte("first session 16")})
	if said := p.expect("Error"); said["code"] != uint64(wiretask.AuthFailed) {
		t.Fatalf("%v is not AUTH_FAILED", said)
	}
	if err := <-s.ended; err == nil || strings.Contains(err.Error(), exampleToken) {
		t.Fatalf("%v is not how it should end", err)
	}
}

func TestCredentialsAreReadAndNotShown(t *testing.T) {
	read, err := ParseCredentials("billing:eu:" + exampleToken)
	if err != nil || read.keyID != "billing:eu" || strings.Contains(read.String(), exampleToken) {
		t.Fatalf("%v, %v", read, err)
	}
	for _, wrong := range []string{exampleToken, ":" + exampleToken, "billing:short"} {
		if _, err := ParseCredentials(wrong); err == nil || strings.Contains(err.Error(), wrong) {
			t.Fatalf("%v is not what is to be said", err)
		}
	}
}
