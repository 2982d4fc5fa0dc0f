//! The C face of the Hugging Face `tokenizers` crate: load, count, encode, decode, free.
//!
//! `tacho_tokenizer.h` is the same interface for the C++ side; keep both in step. Buffers handed
//! out are freed by the matching function here. No panic crosses the boundary: it becomes an error.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::{ptr, slice};

use tokenizers::Tokenizer;

/// Bytes owned by this library; null when empty.
#[repr(C)]
pub struct Text {
    data: *mut u8,
    size: usize,
}

/// Token numbers owned by this library; null when empty.
#[repr(C)]
pub struct Ids {
    data: *mut u32,
    size: usize,
}

/// Hands a boxed slice over to C++. An empty one becomes null, which needs no freeing.
fn give<T>(values: Vec<T>) -> (*mut T, usize) {
    if values.is_empty() {
        return (ptr::null_mut(), 0);
    }
    let size = values.len();
    (Box::into_raw(values.into_boxed_slice()) as *mut T, size)
}

/// Frees what `give` handed over.
unsafe fn take_back<T>(data: *mut T, size: usize) {
    if !data.is_null() {
        drop(Box::from_raw(ptr::slice_from_raw_parts_mut(data, size)));
    }
}

/// A slice over memory of the caller; C++ may pass null with size 0, which Rust's slices forbid.
unsafe fn borrow<'a, T>(data: *const T, size: usize) -> &'a [T] {
    if size == 0 {
        &[]
    } else {
        slice::from_raw_parts(data, size)
    }
}

/// Runs `work`; an error or a panic comes back as one text.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result,
        Err(panic) => Err(panic
            .downcast_ref::<&str>()
            .map(|text| text.to_string())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "the tokenizers library panicked".to_string())),
    }
}

fn encode_ids(tokenizer: &Tokenizer, text: &[u8]) -> Result<Vec<u32>, String> {
    let text = String::from_utf8_lossy(text);
    // encode_fast leaves out the character offsets, which nobody here reads.
    let encoding = tokenizer.encode_fast(text.as_ref(), false).map_err(|error| error.to_string())?;
    Ok(encoding.get_ids().to_vec())
}

/// Reads a tokenizer.json from memory. Null on failure; `error` then holds the reason.
///
/// # Safety
/// `bytes` must be readable for `size` bytes and `error` writable.
#[no_mangle]
pub unsafe extern "C" fn tacho_tokenizer_load(
    bytes: *const u8,
    size: usize,
    error: *mut Text,
) -> *mut Tokenizer {
    let json = borrow(bytes, size);
    let loaded = guarded(|| {
        let mut tokenizer = Tokenizer::from_bytes(json).map_err(|error| error.to_string())?;
        // Files of some models carry a cut at 512 tokens or padding; a count must see all text.
        tokenizer.with_truncation(None).map_err(|error| error.to_string())?;
        tokenizer.with_padding(None);
        Ok(tokenizer)
    });
    match loaded {
        Ok(tokenizer) => Box::into_raw(Box::new(tokenizer)),
        Err(message) => {
            let (data, size) = give(message.into_bytes());
            *error = Text { data, size };
            ptr::null_mut()
        }
    }
}

/// The number of tokens of the text, no special tokens added; negative on failure.
///
/// # Safety
/// `tokenizer` must come from `tacho_tokenizer_load`; `text` must be readable for `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn tacho_tokenizer_count(
    tokenizer: *const Tokenizer,
    text: *const u8,
    size: usize,
) -> i64 {
    let text = borrow(text, size);
    guarded(|| encode_ids(&*tokenizer, text)).map_or(-1, |ids| ids.len() as i64)
}

/// The tokens of the text, no special tokens added. Returns 0, or a negative number on failure.
///
/// # Safety
/// As for `tacho_tokenizer_count`; `ids` must be writable.
#[no_mangle]
pub unsafe extern "C" fn tacho_tokenizer_encode(
    tokenizer: *const Tokenizer,
    text: *const u8,
    size: usize,
    ids: *mut Ids,
) -> i32 {
    let text = borrow(text, size);
    match guarded(|| encode_ids(&*tokenizer, text)) {
        Ok(encoded) => {
            let (data, size) = give(encoded);
            *ids = Ids { data, size };
            0
        }
        Err(_) => -1,
    }
}

/// The text of the tokens, special ones written out. Returns 0, or a negative number on failure.
///
/// # Safety
/// As for `tacho_tokenizer_count`; `ids` must be readable for `size` numbers and `text` writable.
#[no_mangle]
pub unsafe extern "C" fn tacho_tokenizer_decode(
    tokenizer: *const Tokenizer,
    ids: *const u32,
    size: usize,
    text: *mut Text,
) -> i32 {
    let ids = borrow(ids, size);
    let decoded = guarded(|| (*tokenizer).decode(ids, false).map_err(|error| error.to_string()));
    match decoded {
        Ok(decoded) => {
            let (data, size) = give(decoded.into_bytes());
            *text = Text { data, size };
            0
        }
        Err(_) => -1,
    }
}

/// Frees a tokenizer; null is allowed.
///
/// # Safety
/// `tokenizer` must come from `tacho_tokenizer_load` and not be used afterwards.
#[no_mangle]
pub unsafe extern "C" fn tacho_tokenizer_free(tokenizer: *mut Tokenizer) {
    if !tokenizer.is_null() {
        drop(Box::from_raw(tokenizer));
    }
}

/// Frees a text handed out here.
///
/// # Safety
/// `text` must come from this library and not be used afterwards.
#[no_mangle]
pub unsafe extern "C" fn tacho_tokenizer_free_text(text: Text) {
    take_back(text.data, text.size);
}

/// Frees token numbers handed out here.
///
/// # Safety
/// `ids` must come from this library and not be used afterwards.
#[no_mangle]
pub unsafe extern "C" fn tacho_tokenizer_free_ids(ids: Ids) {
    take_back(ids.data, ids.size);
}
