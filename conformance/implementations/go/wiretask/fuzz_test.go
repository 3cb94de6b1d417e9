package wiretask

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

// There is one encoding of each value: what is read is written again as it was, and what is not read is refused by name.
func FuzzFrames(f *testing.F) {
	for _, text := range examples {
		frame, _ := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
		f.Add(frame[0]-1, frame[headerOctets:])
	}
	f.Fuzz(func(t *testing.T, command byte, payload []byte) {
		layout := Messages[uint64(command)%uint64(len(Messages))+1]
		fields, wrong := DecodePayload(layout, payload)
		if wrong != nil {
			if wrong.Code.String() == "" || wrong.Offset > len(payload) {
				t.Errorf("%v", wrong)
			}
			return
		}
		if frame, refused := Encode(layout, fields); refused != nil || !bytes.Equal(frame[headerOctets:], payload) {
			t.Errorf("%s: %x became %x (%v)", layout.Name, payload, frame, refused)
		}
	})
}
