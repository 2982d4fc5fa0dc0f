// The loop of the virtual world: the generator and the engine in one thread, on a clock that jumps
// from one event to the next, over a network whose every cut, delay and break is drawn from a seed.
// What fails here fails again the same way.
//
// Handlers see what they would see of EpollLoop's sockets: no callback within connect() or write(),
// streams that live to the turn's end, bytes in order, then the end or a reset.
#pragma once

#include <map>
#include <memory>

#include "base/random.h"
#include "net/loop.h"

namespace tacho {

class WorldListener;
class WorldStream;

/// What the network and the machine of a world are like. All of it is drawn from the seed.
struct WorldOptions {
  Seed seed;
  Duration delay_min{20'000};  ///< One way, for each segment; segments do not overtake each other.
  Duration delay_max{200'000};
  Duration read_lag_max{
      10'000};  ///< From arrival to our read; what arrives meanwhile is read along.
  double cut_probability = 0.2;       ///< That a write is cut somewhere; again for what is left.
  std::size_t segment_bytes_max = 0;  ///< 0: 64 KiB.
  double reset_probability = 0.0;  ///< For each segment: the network breaks the connection instead.
  double refuse_probability = 0.0;     ///< That a connection is refused although someone listens.
  double unstamped_probability = 0.0;  ///< That a read comes without the kernel's stamp.
  std::size_t room = 0;  ///< Bytes under way in one direction before a writer must wait; 0: no end.
  Duration clock_tick{0};          ///< How far each look at the clock moves it.
  double stall_probability = 0.0;  ///< That the thread wakes up late for a turn ...
  Duration stall_max{0};           ///< ... by up to this.
  Duration time_max =
      std::chrono::hours(24);  ///< run() ends then: a world that is still busy has hung.
};

/// A Loop without a machine below it. Connections exist between connect() and listen() of the same
/// loop, by port.
class WorldLoop final : public Loop {
 public:
  explicit WorldLoop(const WorldOptions& options);
  ~WorldLoop() override;

  Instant clock() override;
  StreamPtr connect(const Address& address, StreamHandler& handler,
                    const Address* source = nullptr) override;
  Result<std::unique_ptr<Listener>> listen(const Address& address, AcceptHandler& handler) override;
  /// Ends when stopped, when nothing can happen any more, or at `time_max`.
  void run() override;
  double busy_share() const override { return 0.0; }
  /// True when run() ended because of `time_max`.
  bool has_hung() const { return has_hung_; }

 private:
  friend class WorldListener;
  friend class WorldStream;
  Instant present() const { return now_ + ticked_; }
  Duration draw_delay();
  Duration draw_lag();
  bool draw(double probability);

  WorldOptions options_;
  Random random_;
  Instant end_;
  Duration ticked_{0};  ///< How far looks at the clock have moved it in this turn.
  bool has_hung_ = false;
  std::map<std::uint16_t, WorldListener*> listeners_;
};

}  // namespace tacho
