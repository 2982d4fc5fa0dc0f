// In words (skb: the segment, from its TCP header on):
//
//   payload = skb.len - header length;  flags = FIN, SYN, RST of the header
//   if payload == 0 and flags == 0: pass                        (a bare ACK)
//   note = {socket cookie, sequence number, payload, time, flags}
//   urgent = FIN or RST
//         or the payload ends with "0\r\n\r\n"                  (the last chunk of a chunked body)
//         or it begins with "HTTP" and not with "HTTP/1.1 200"  (an error, to be read at once)
//   write the note to the ring, waking the reader only if urgent; if there is no room, count it
//   pass the whole segment on to the socket
#include "net/tap_program.h"

#include <cstddef>
#include <cstdint>

#include "net/tap.h"

namespace tacho {
namespace {

// The note lies at the bottom of the stack frame, scratch bytes above it.
constexpr std::int16_t note_at = -48;
constexpr std::int16_t scratch_at = -16;

constexpr std::int16_t field(std::size_t offset) {
  return static_cast<std::int16_t>(note_at + static_cast<std::int16_t>(offset));
}

/// A program under construction; jumps are to labels that are placed later.
class Assembler {
 public:
  void add(std::uint8_t code, int to, int from, std::int16_t offset, std::int32_t value) {
    bpf_insn one{};
    one.code = code;
    one.dst_reg = static_cast<std::uint8_t>(to & 15);
    one.src_reg = static_cast<std::uint8_t>(from & 15);
    one.off = offset;
    one.imm = value;
    code_.push_back(one);
  }
  void move(int to, int from) { add(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0); }
  void set(int to, std::int32_t value) { add(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value); }
  void plus(int to, std::int32_t value) { add(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value); }
  void store(std::uint8_t size, std::int16_t offset, int from) {
    add(static_cast<std::uint8_t>(BPF_STX | BPF_MEM | size), 10, from, offset, 0);
  }
  void load(std::uint8_t size, int to, int from, std::int16_t offset) {
    add(static_cast<std::uint8_t>(BPF_LDX | BPF_MEM | size), to, from, offset, 0);
  }
  /// r0 = big-endian value at that offset of the segment; needs the segment in r6.
  void header(std::uint8_t size, std::int32_t offset) {
    add(static_cast<std::uint8_t>(BPF_LD | BPF_ABS | size), 0, 0, 0, offset);
  }
  void map(int to, int descriptor) {
    add(BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_FD, 0, descriptor);
    add(0, 0, 0, 0, 0);
  }
  void call(std::int32_t function) { add(BPF_JMP | BPF_CALL, 0, 0, 0, function); }
  void stack(int to, std::int16_t offset) {
    move(to, 10);
    plus(to, offset);
  }
  /// Jumps if the 32-bit comparison holds; place() the returned jump later.
  std::size_t jump_if(std::uint8_t comparison, int left, std::int32_t right) {
    add(static_cast<std::uint8_t>(BPF_JMP32 | comparison | BPF_K), left, 0, 0, right);
    return code_.size() - 1;
  }
  std::size_t jump() {
    add(BPF_JMP | BPF_JA, 0, 0, 0, 0);
    return code_.size() - 1;
  }
  /// Lets earlier jumps end here.
  void place(std::initializer_list<std::size_t> jumps) {
    for (const std::size_t j : jumps) {
      code_[j].off = static_cast<std::int16_t>(code_.size() - j - 1);
    }
  }
  /// Copies bytes of the segment, from the offset in r2 on, to the scratch; r0 is 0 when they
  /// exist.
  void copy_to_scratch(std::int32_t bytes) {
    move(1, 6);
    stack(3, scratch_at);
    set(4, bytes);
    call(BPF_FUNC_skb_load_bytes);
  }
  std::vector<bpf_insn> take() { return std::move(code_); }

 private:
  std::vector<bpf_insn> code_;
};

/// Four characters as the little-endian word that a load gives.
constexpr std::int32_t word(const char (&text)[5]) {
  return static_cast<std::int32_t>(
      static_cast<std::uint32_t>(text[0]) | static_cast<std::uint32_t>(text[1]) << 8 |
      static_cast<std::uint32_t>(text[2]) << 16 | static_cast<std::uint32_t>(text[3]) << 24);
}

/// r9 = payload bytes, r7 = header bytes, r8 = FIN, SYN, RST.
void read_lengths(Assembler& a) {
  a.move(6, 1);
  a.header(BPF_H, 12);
  a.move(7, 0);
  a.add(BPF_ALU64 | BPF_RSH | BPF_K, 7, 0, 0, 12);
  a.add(BPF_ALU64 | BPF_LSH | BPF_K, 7, 0, 0, 2);
  a.move(8, 0);
  a.add(BPF_ALU64 | BPF_AND | BPF_K, 8, 0, 0, 7);
  a.load(BPF_W, 9, 6, offsetof(__sk_buff, len));
  a.add(BPF_ALU64 | BPF_SUB | BPF_X, 9, 7, 0, 0);
}

void write_note(Assembler& a) {
  a.header(BPF_W, 4);
  a.store(BPF_W, field(offsetof(TapNote, sequence)), 0);
  a.store(BPF_W, field(offsetof(TapNote, length)), 9);
  a.store(BPF_W, field(offsetof(TapNote, flags)), 8);
  a.move(1, 6);
  a.call(BPF_FUNC_get_socket_cookie);
  a.store(BPF_DW, field(offsetof(TapNote, socket)), 0);
  a.call(BPF_FUNC_ktime_get_ns);
  a.store(BPF_DW, field(offsetof(TapNote, at_ns)), 0);
}

}  // namespace

std::vector<bpf_insn> tap_program(int ring, int lost_map) {
  Assembler a;
  read_lengths(a);
  const auto has_payload = a.jump_if(BPF_JNE, 9, 0);
  const auto bare_ack = a.jump_if(BPF_JEQ, 8, 0);
  a.place({has_payload});
  write_note(a);

  a.add(BPF_ALU64 | BPF_AND | BPF_K, 8, 0, 0, 5);
  const auto is_end = a.jump_if(BPF_JNE, 8, 0);
  const auto too_short = a.jump_if(BPF_JLT, 9, 12);

  a.load(BPF_W, 2, 6, offsetof(__sk_buff, len));
  a.plus(2, -5);
  a.copy_to_scratch(5);
  const auto no_tail = a.jump_if(BPF_JNE, 0, 0);
  a.load(BPF_W, 1, 10, scratch_at);
  const auto other_tail = a.jump_if(BPF_JNE, 1, word("0\r\n\r"));
  a.load(BPF_B, 1, 10, scratch_at + 4);
  const auto is_last_chunk = a.jump_if(BPF_JEQ, 1, '\n');

  a.place({no_tail, other_tail});
  a.move(2, 7);
  a.copy_to_scratch(12);
  const auto no_head = a.jump_if(BPF_JNE, 0, 0);
  a.load(BPF_W, 1, 10, scratch_at);
  const auto not_http = a.jump_if(BPF_JNE, 1, word("HTTP"));
  a.load(BPF_W, 1, 10, scratch_at + 8);
  const auto is_error = a.jump_if(BPF_JNE, 1, word(" 200"));

  a.place({too_short, no_head, not_http});
  a.set(8, BPF_RB_NO_WAKEUP);
  a.set(1, 0);
  const auto calm = a.jump();
  a.place({is_end, is_last_chunk, is_error});
  a.set(8, BPF_RB_FORCE_WAKEUP);
  a.set(1, 1);
  a.place({calm});
  a.store(BPF_W, field(offsetof(TapNote, is_urgent)), 1);

  a.map(1, ring);
  a.stack(2, note_at);
  a.set(3, sizeof(TapNote));
  a.move(4, 8);
  a.call(BPF_FUNC_ringbuf_output);
  const auto written = a.jump_if(BPF_JEQ, 0, 0);
  a.set(1, 0);
  a.store(BPF_W, scratch_at, 1);
  a.map(1, lost_map);
  a.stack(2, scratch_at);
  a.call(BPF_FUNC_map_lookup_elem);
  // A null check is on the whole pointer.
  a.add(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2, 0);
  a.set(1, 1);
  a.add(BPF_STX | BPF_ATOMIC | BPF_DW, 0, 1, 0, BPF_ADD);
  a.place({bare_ack, written});
  a.add(BPF_ALU | BPF_MOV | BPF_K, 0, 0, 0, -1);
  a.add(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
  return a.take();
}

}  // namespace tacho
