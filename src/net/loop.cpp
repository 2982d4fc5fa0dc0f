#include "net/loop.h"

#include "base/assert.h"

namespace tacho {

Timer::Timer(Loop& loop, std::function<void()> action) : loop_(loop), action_(std::move(action)) {}

Timer::~Timer() { cancel(); }

void Timer::arm(Instant when) {
  cancel();
  when_ = when;
  loop_.timers_.push(*this);
}

void Timer::cancel() {
  if (is_armed()) loop_.timers_.remove(*this);
}

bool TimerHeap::precedes(const Timer& a, const Timer& b) const {
  return a.when_ != b.when_ ? a.when_ < b.when_ : a.order_ < b.order_;
}

void TimerHeap::place(std::size_t position, Timer* timer) {
  heap_[position] = timer;
  timer->position_ = position;
}

void TimerHeap::sift_up(std::size_t position) {
  Timer* timer = heap_[position];
  while (position > 0) {
    const std::size_t parent = (position - 1) / 2;
    if (!precedes(*timer, *heap_[parent])) break;
    place(position, heap_[parent]);
    position = parent;
  }
  place(position, timer);
}

void TimerHeap::sift_down(std::size_t position) {
  Timer* timer = heap_[position];
  for (;;) {
    std::size_t child = 2 * position + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && precedes(*heap_[child + 1], *heap_[child])) ++child;
    if (!precedes(*heap_[child], *timer)) break;
    place(position, heap_[child]);
    position = child;
  }
  place(position, timer);
}

void TimerHeap::push(Timer& timer) {
  timer.order_ = next_order_++;
  heap_.push_back(&timer);
  sift_up(heap_.size() - 1);
}

void TimerHeap::remove(Timer& timer) {
  const std::size_t position = timer.position_;
  TACHO_ASSERT(position < heap_.size() && heap_[position] == &timer);
  timer.position_ = Timer::not_armed;
  Timer* last = heap_.back();
  heap_.pop_back();
  if (last == &timer) return;
  place(position, last);
  sift_up(position);
  sift_down(last->position_);
}

bool TimerHeap::fire_due(Instant now) {
  bool fired = false;
  while (!heap_.empty() && heap_.front()->when_ <= now) {
    Timer& timer = *heap_.front();
    remove(timer);
    fired = true;
    timer.action_();
  }
  return fired;
}

}  // namespace tacho
