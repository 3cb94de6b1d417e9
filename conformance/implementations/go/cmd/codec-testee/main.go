// The codec under test: conformance/README.md says what it answers.
package main

import (
	"encoding/hex"
	"encoding/json"

	"wiretask.example/testee"
	"wiretask.example/wiretask"
)

type answer = map[string]any

func main() {
	testee.Serve(func(request testee.Request) answer {
		switch request.Text("op") {
		case "start":
			return answer{"implementation": answer{"name": "wiretask-go", "version": "0.1", "language": "go"}, "pipeline": 64}
		case "decode":
			return decode(request)
		case "encode":
			return encode(request)
		case "stream":
			return stream(request)
		case "stop":
			return answer{}
		}
		return answer{"skipped": "no such operation"}
	})
}

func decode(request testee.Request) answer {
	if name := request.Text("struct"); name != "" {
		return decodeRelayed(name, unhex(request.Text("octets")))
	}
	layout, f, err := wiretask.DecodeFrame(unhex(request.Text("frame")))
	if err != nil {
		return refusal(err)
	}
	again, err := wiretask.Encode(layout, f)
	if err != nil {
		return refusal(err)
	}
	return answer{"ok": answer{"message": layout.Name, "value": testee.Plain(f), "reencoded": hex.EncodeToString(again)}}
}

func decodeRelayed(name string, octets []byte) answer {
	f, err := wiretask.DecodeRelayed(wiretask.Relayed[name], octets)
	if err != nil {
		return refusal(err)
	}
	again, err := wiretask.EncodeRelayed(wiretask.Relayed[name], f)
	if err != nil {
		return refusal(err)
	}
	return answer{"ok": answer{"struct": name, "value": testee.Plain(f), "reencoded": hex.EncodeToString(again)}}
}

func encode(request testee.Request) answer {
	var value map[string]any
	if err := json.Unmarshal(request["value"], &value); err != nil {
		return answer{"unrepresentable": err.Error()}
	}
	if testee.HoldsLoneSurrogate(request["value"]) {
		return answer{"unrepresentable": "a string of Go holds no lone surrogate"}
	}
	name, key := request.Text("struct"), "octets"
	shape, write := wiretask.RelayedShape(wiretask.Relayed[name]), func(f wiretask.Fields) ([]byte, *wiretask.Error) {
		return wiretask.EncodeRelayed(wiretask.Relayed[name], f)
	}
	if name == "" {
		layout := wiretask.ByName[request.Text("message")]
		key, shape = "frame", wiretask.MessageShape(layout)
		write = func(f wiretask.Fields) ([]byte, *wiretask.Error) { return wiretask.Encode(layout, f) }
	}
	made, err := testee.Made(value, shape)
	if err != nil {
		return answer{"unrepresentable": err.Error()}
	}
	octets, refused := write(made.(wiretask.Fields))
	if refused != nil {
		return refusal(refused)
	}
	return answer{"ok": answer{key: hex.EncodeToString(octets)}}
}

func stream(request testee.Request) answer {
	var chunks []string
	var end bool
	_ = json.Unmarshal(request["chunks"], &chunks)
	_ = json.Unmarshal(request["end"], &end)
	connection := wiretask.NewConnectionIn(request.Text("side"), wiretask.State(request.Text("state")), request.Number("limit"))
	frames := []string{}
	var failed *wiretask.Error
	for _, chunk := range chunks {
		messages, err := connection.Receive(unhex(chunk))
		for _, message := range messages {
			frame, refused := wiretask.Encode(message.Layout, message.Fields)
			if refused != nil {
				return refusal(refused)
			}
			frames = append(frames, hex.EncodeToString(frame))
		}
		if failed = err; failed != nil {
			break
		}
	}
	if failed == nil && end {
		failed = connection.End()
	}
	if failed != nil {
		return answer{"ok": answer{"frames": frames, "error": failed.Code.String()}}
	}
	return answer{"ok": answer{"frames": frames, "error": nil}}
}

func refusal(err *wiretask.Error) answer {
	said := answer{"error": err.Code.String(), "field": err.Field, "offset": err.Offset}
	if err.Offset == wiretask.Nowhere {
		said["offset"] = nil
	}
	return said
}

func unhex(text string) []byte {
	octets, err := hex.DecodeString(text)
	if err != nil {
		panic(err) // the suite writes hexadecimal digits
	}
	return octets
}
