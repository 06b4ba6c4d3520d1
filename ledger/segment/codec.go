package segment

import (
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
)

// codec packs pages as the library's own does, byte by byte. That one keeps its encoders, of more than a megabyte, where
// each collection of garbage may take them, and makes some dozen of them for one segment.
type codec struct{ compress.Codec }

func newCodec() codec { return codec{&parquet.Zstd} }

// encoder serves any number of goroutines, two at a time. By its window it takes memory, twice for each; a page is of some
// KiB, a dictionary of 256, and only a page of records that are longer than the window is packed any worse.
var encoder = sync.OnceValues(func() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(2), zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithWindowSize(1<<20), zstd.WithZeroFrames(true), zstd.WithEncoderCRC(false))
})

func (codec) Encode(dst, src []byte) ([]byte, error) {
	e, err := encoder()
	if err != nil {
		return nil, err
	}
	return e.EncodeAll(src, dst[:0]), nil
}
