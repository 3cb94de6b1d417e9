package wiretask

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	octets, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return octets
}

// The examples of PROTOCOL.md, "A walk through".
var examples = map[string]string{
	"open":   "03 00000043 01 0102030405060708 05 00010000000400010001 00020000000101 00040000000c776972657461736b2f302e31 00050000000400400000 000c00000006686f73742d37",
	"task":   "01 00000045 019aaf2e3c007a1b8c2d3e4f506137a8 0000000100000001 0001 0000ea60 0036ee80 00 06736861323536 0764656661756c74 00 00 0000000d48656c6c6f2c20576f726c6421",
	"submit": "07 0000003e 0000000000000001 019aaf2e3c007a1b8c2d3e4f506137a8 0001 05 00 06736861323536 0764656661756c74 00 00 0000000d48656c6c6f2c20576f726c6421",
}

func TestWhatIsDecodedIsTheSameWhenItIsEncodedAgain(t *testing.T) {
	for name, text := range examples {
		frame := unhex(t, text)
		layout := Messages[uint64(frame[0])]
		fields, err := DecodePayload(layout, frame[5:])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := Encode(layout, fields)
		if err != nil || !bytes.Equal(again, frame) {
			t.Errorf("%s: %x, %v", name, again, err)
		}
	}
}

func TestEveryCutIsTruncated(t *testing.T) {
	for name, text := range examples {
		frame := unhex(t, text)
		for end := 5; end < len(frame); end++ {
			_, err := DecodePayload(Messages[uint64(frame[0])], frame[5:end])
			if err == nil || err.Code != Truncated {
				t.Errorf("%s cut at %d: %v", name, end, err)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	refusals := []struct {
		command uint64
		payload string
		code    Code
		field   string
		offset  int
	}{
		{8, "0000000000000000 00", OutOfRange, "seq", 0},
		{8, "0000000000000001 00 00", TrailingBytes, "", 9},
		{8, "0000000000000001 01 8001 00000000", CriticalTag, "tags[0]", 9},
		{8, "0000000000000001 02 4001 00000000 4001 00000000", TagOrder, "tags[1]", 15},
		{3, "05 0000000000000000 00", BadEnum, "kind", 0},
		{3, "03 0000000000000000 01 0002 00000001 01", RuleBroken, "", Nowhere},
		{3, "01 0000000000000000 01 0003 00000003 000100", TagLength, "version", 16},
		{6, "01 01 0001 00000002 c080", BadUTF8, "text", 8},
	}
	for _, refusal := range refusals {
		_, err := DecodePayload(Messages[refusal.command], unhex(t, refusal.payload))
		if err == nil || err.Code != refusal.code || err.Field != refusal.field || err.Offset != refusal.offset {
			t.Errorf("%d %s: %v", refusal.command, refusal.payload, err)
		}
	}
}

func TestAConnectionFindsFramesAtAnySplit(t *testing.T) {
	ping := unhex(t, "03 0000000a 03 000000000000002a 00")
	octets := append(append(append([]byte{}, ping...), 0xc5, 0, 0, 0, 1, 0xff), ping...)
	for at := 0; at <= len(octets); at++ {
		connection := NewConnectionIn("worker", "accepted", FrameLimit)
		first, err := connection.Receive(append([]byte{}, octets[:at]...))
		second, err2 := connection.Receive(octets[at:])
		if err != nil || err2 != nil || len(first)+len(second) != 2 {
			t.Errorf("split at %d: %d and %d messages, %v, %v", at, len(first), len(second), err, err2)
		}
	}
}

func TestAMessageOutOfPlaceEndsAConnection(t *testing.T) {
	connection := NewConnection("worker", FrameLimit)
	_, err := connection.Receive(unhex(t, "08 00000009 0000000000000001 00"))
	if err == nil || err.Code != UnexpectedMessage || connection.State != Closed {
		t.Errorf("%v in %s", err, connection.State)
	}
}

func TestTheSmallerLimitHolds(t *testing.T) {
	accept := Fields{"kind": Accept, "nonce": uint64(1), "version": uint64(1), "frame_limit": uint64(65536)}
	frame, _ := Encode(ByName["Hello"], accept)
	connection := NewConnection("worker", FrameLimit)
	if _, err := connection.Receive(append(frame, 1, 0, 1, 0, 1)); err == nil || err.Code != FrameTooLarge {
		t.Errorf("a frame over the limit of the accept: %v", err)
	}
}
