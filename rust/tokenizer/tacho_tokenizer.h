/* The C ABI of the tokenizer crate (src/lib.rs says the same in Rust; keep both in step). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A loaded tokenizer. Its functions may be called from many threads at once. */
typedef struct tacho_tokenizer tacho_tokenizer;

/** Bytes owned by the crate; data is null when size is 0. */
typedef struct {
  uint8_t* data;
  size_t size;
} tacho_tokenizer_text;

/** Token numbers owned by the crate; data is null when size is 0. */
typedef struct {
  uint32_t* data;
  size_t size;
} tacho_tokenizer_ids;

/** Reads a tokenizer.json from memory. Null on failure; `error` then holds the reason. */
tacho_tokenizer* tacho_tokenizer_load(const uint8_t* bytes, size_t size,
                                      tacho_tokenizer_text* error);

/** The number of tokens of the text, no special tokens added; negative on failure. */
int64_t tacho_tokenizer_count(const tacho_tokenizer* tokenizer, const uint8_t* text, size_t size);

/** The tokens of the text, no special tokens added. Returns 0, or a negative number on failure. */
int32_t tacho_tokenizer_encode(const tacho_tokenizer* tokenizer, const uint8_t* text, size_t size,
                               tacho_tokenizer_ids* ids);

/** The text of the tokens, special ones written out. Returns 0, or a negative number on failure. */
int32_t tacho_tokenizer_decode(const tacho_tokenizer* tokenizer, const uint32_t* ids, size_t size,
                               tacho_tokenizer_text* text);

/** Frees a tokenizer; null is allowed. */
void tacho_tokenizer_free(tacho_tokenizer* tokenizer);

/** Frees a text handed out by the crate. */
void tacho_tokenizer_free_text(tacho_tokenizer_text text);

/** Frees token numbers handed out by the crate. */
void tacho_tokenizer_free_ids(tacho_tokenizer_ids ids);

#ifdef __cplusplus
}
#endif
