// SPDX-License-Identifier: Apache-2.0

// What Go's encoding/json makes of values: one JSON value a line on standard input, decoded into an
// interface{} and encoded again, on standard output. An empty line: Go refuses it.
package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
)

func encoded(line []byte) []byte {
	var value interface{}
	if json.Unmarshal(line, &value) != nil {
		return nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	return text
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			return
		}
		if err != nil {
			panic(err)
		}
		out.Write(append(encoded(line), '\n'))
	}
}
