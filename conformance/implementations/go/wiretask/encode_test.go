package wiretask

import "testing"

func TestWhatNobodyCouldReadIsNotWritten(t *testing.T) {
	envelope := []byte("\x01t\x01q\x00\x00\x00\x00\x00\x00")
	task := func(change Fields) Fields {
		f := Fields{
			"task_id": make([]byte, 16), "lease": uint64(1), "attempt": uint64(1), "time_limit": uint64(0), "remaining": uint64(0),
			"envelope": envelope,
		}
		for name, value := range change {
			f[name] = value
		}
		return f
	}
	if _, refused := Encode(ByName["Task"], task(nil)); refused != nil {
		t.Fatal(refused)
	}
	refusals := []struct {
		change Fields
		code   Code
	}{
		{Fields{"lease": uint64(0)}, OutOfRange},
		{Fields{"lease": nil}, OutOfRange},
		{Fields{"attempt": uint64(65536)}, OutOfRange},
		{Fields{"lese": uint64(1)}, OutOfRange},
		{Fields{"envelope": nil}, OutOfRange},
		{Fields{"envelope": envelope[:9]}, Truncated},
		{Fields{"envelope": append(append([]byte{}, envelope...), 0)}, TrailingBytes},
		{Fields{"envelope": []byte("\x00\x01q\x00\x00\x00\x00\x00\x00")}, LimitExceeded},
		{Fields{"resources": []any{Fields{"name": "a b", "amount": uint64(1)}}}, BadPattern},
		{Fields{Unknown: []Tag{{Number: 0x4001}, {Number: 0x4001}}}, TagOrder},
		{Fields{Unknown: []Tag{{Number: 1}}}, TagOrder},
	}
	for _, refusal := range refusals {
		if frame, refused := Encode(ByName["Task"], task(refusal.change)); refused == nil || refused.Code != refusal.code {
			t.Errorf("%v: %x, %v", refusal.change, frame, refused)
		}
	}
}
