#include "energy/window.h"

#include <algorithm>
#include <cmath>

namespace wattline::energy {
namespace {

// A counter whose last tick is this many of its ticks old at the end of the work stands still.
constexpr double kStill_ticks = 3;
// So many edges on either side of a window's ends are tried: the nearest need not be the narrowest.
constexpr size_t kTried = 4;
// A slow meter is waited for by an idle caller only beside a window of some ticks: what is shorter
// is not saved by that.
constexpr double kWorthWaiting_ticks = 3;
// A stretch tells the work's power where both of its ends are known to this share of its length.
constexpr double kSharpEnds = 0.1;

double StepOf(const MeterInfo& info) {
  if (info.lsb_j) return *info.lsb_j;
  return info.kind == Kind::kSampled ? 0 : info.behaviour->smallest_step_j;
}

double PowerBetween(const Edge& a, const Edge& b) {
  return (b.joules - a.joules) / SecondsBetween(a.Middle(), b.Middle());
}

bool IsSharp(const Edge& a, const Edge& b) {
  const double apart_s = SecondsBetween(a.Middle(), b.Middle());
  const double doubt_s =
      (SecondsBetween(a.earliest, a.latest) + SecondsBetween(b.earliest, b.latest)) / 2;
  return apart_s > 0 && doubt_s <= kSharpEnds * apart_s;
}

// What one domain's counter tells of the work between two times.
class DomainView {
 public:
  DomainView(const Track& track, size_t domain, TimePoint begin, TimePoint end,
             std::optional<TimePoint> warm)
      : info_(track.info()),
        domain_(info_.domains[domain]),
        edges_(track.edges(domain)),
        begin_(begin),
        end_(end),
        warm_(warm) {
    if (edges_.empty()) return;
    after_begin_ = FirstAfter(begin_);
    after_end_ = FirstAfter(end_);
    if (domain_.may_rest) latest_ = track.Latest(domain);
    FindSegments();
  }

  std::optional<Bounded> Energy() const {
    if (edges_.empty()) return std::nullopt;
    if (std::optional<Bounded> rest = Resting()) return rest;
    const double still_s = kStill_ticks * info_.behaviour->longest_tick_s;
    const Edge& last = edges_.back();
    if (!domain_.may_rest && SecondsBetween(last.latest, end_) > still_s) return std::nullopt;
    std::optional<Bounded> best;
    const size_t first = after_begin_ > kTried ? after_begin_ - kTried : 0;
    const size_t stop = std::min(edges_.size(), after_end_ + kTried);
    const size_t start = after_end_ > kTried ? after_end_ - kTried : 0;
    for (size_t b = first; b < std::min(edges_.size(), after_begin_ + kTried); ++b) {
      for (size_t e = std::max(b + 1, start); e < stop; ++e) {
        Try(edges_[b], edges_[e], e - b, best);
      }
      if (latest_) Try(edges_[b], *latest_, edges_.size() - b, best);
    }
    return best;
  }

  const std::vector<Segment>& segments() const { return segments_; }

 private:
  size_t FirstAfter(TimePoint at) const {
    const auto it = std::upper_bound(edges_.begin(), edges_.end(), at,
                                     [](TimePoint t, const Edge& e) { return t < e.Middle(); });
    return static_cast<size_t>(it - edges_.begin());
  }

  // Switched off all along: nothing, up to the counter's steps.
  std::optional<Bounded> Resting() const {
    if (!latest_ || after_begin_ == 0) return std::nullopt;
    if (edges_[after_begin_ - 1].joules != latest_->joules) return std::nullopt;
    const double step_j = StepOf(info_);
    return Bounded{step_j / 2, step_j / 2};
  }

  void Try(const Edge& from, const Edge& to, size_t ticks, std::optional<Bounded>& best) const {
    if (SecondsBetween(from.Middle(), to.Middle()) <= 0) return;
    Gain g;
    g.joules = to.joules - from.joules;
    g.begin = {SecondsBetween(begin_, from.earliest), SecondsBetween(begin_, from.latest)};
    g.end = {SecondsBetween(begin_, to.earliest), SecondsBetween(begin_, to.latest)};
    g.work_s = SecondsBetween(begin_, end_);
    // The work's larger half was counted.
    const double counted_s = std::min(SecondsBetween(from.Middle(), end_), g.work_s) -
                             std::max(0.0, SecondsBetween(to.Middle(), end_));
    if (counted_s < 0.5 * g.work_s) return;
    g.rounded_j = StepOf(info_) * (info_.rounds_each_tick ? std::max<double>(2, ticks) : 2);
    g.missed_j = std::min(
        to.missed_j - from.missed_j,
        // Changes fall at random phases of the sampling: a sum of uniform errors, 4 sigma of it.
        4 * std::sqrt(std::max(0.0, to.missed_j2 - from.missed_j2) / 3));
    if (info_.kind == Kind::kSampled) g.stale_s = info_.behaviour->longest_tick_s;
    g.inside = inside_;
    g.before = before_;
    g.after = after_;
    g.same_before = warm_ && *warm_ <= from.earliest;
    const Bounded bounded = WorkEnergy(g);
    if (!best || bounded.err_j < best->err_j) best = bounded;
  }

  // Stretches of the work whose power is known, and what lay right before and after it.
  void FindSegments() {
    for (size_t i = after_begin_; i + 1 < after_end_; ++i) {
      const size_t from = segments_.empty() ? after_begin_ : last_;
      if (!IsSharp(edges_[from], edges_[i + 1])) continue;
      segments_.push_back({edges_[from].Middle(), edges_[i + 1].Middle(),
                           PowerBetween(edges_[from], edges_[i + 1])});
      last_ = i + 1;
      const double watts = segments_.back().watts;
      if (!inside_) inside_ = PowerRange{watts, watts};
      inside_ = {std::min(inside_->low_w, watts), std::max(inside_->high_w, watts)};
    }
    if (after_begin_ >= 2) before_ = At(edges_[after_begin_ - 2], edges_[after_begin_ - 1]);
    if (after_end_ + 1 < edges_.size()) after_ = At(edges_[after_end_], edges_[after_end_ + 1]);
  }
  static std::optional<PowerRange> At(const Edge& a, const Edge& b) {
    if (SecondsBetween(a.Middle(), b.Middle()) <= 0) return std::nullopt;
    const double watts = PowerBetween(a, b);
    return PowerRange{watts, watts};
  }

  const MeterInfo& info_;
  const Domain& domain_;
  const std::deque<Edge>& edges_;
  TimePoint begin_;
  TimePoint end_;
  std::optional<TimePoint> warm_;
  size_t after_begin_ = 0;  // index of the first edge after begin_
  size_t after_end_ = 0;
  std::optional<Edge> latest_;
  std::vector<Segment> segments_;
  size_t last_ = 0;
  std::optional<PowerRange> inside_;
  std::optional<PowerRange> before_;
  std::optional<PowerRange> after_;
};

// Highest sum of all domains' power, over the stretches in which each of them is known.
std::optional<double> Peak(const std::vector<std::vector<Segment>>& domains) {
  std::optional<double> peak_w;
  if (domains.empty()) return peak_w;
  for (const std::vector<Segment>& own : domains) {
    for (const Segment& s : own) {
      const TimePoint middle = s.begin + (s.end - s.begin) / 2;
      double sum_w = 0;
      bool whole = true;
      for (const std::vector<Segment>& other : domains) {
        const auto it = std::find_if(other.begin(), other.end(), [middle](const Segment& o) {
          return o.begin <= middle && middle <= o.end;
        });
        whole = whole && it != other.end();
        if (it != other.end()) sum_w += it->watts;
      }
      if (whole) peak_w = std::max(peak_w.value_or(sum_w), sum_w);
    }
  }
  return peak_w;
}

void Add(std::optional<Bounded>& sum, const std::optional<Bounded>& part) {
  if (!sum || !part) {
    sum.reset();
  } else {
    sum = Bounded{sum->joules + part->joules, sum->err_j + part->err_j};
  }
}

}  // namespace

Window::Window(Sampler* sampler, Clock& clock) : sampler_(sampler), clock_(clock) {
  pieces_ = {{clock_.Now(), TimePoint::max()}};
}

void Window::Begin(const std::function<void()>* work) {
  std::optional<TimePoint> warm;
  if (sampler_) {
    if (work) {
      const TimePoint start = clock_.Now();
      if (sampler_->CatchSlow(*work) > 0) warm = start;
    } else {
      sampler_->ExpectSlow();
    }
    sampler_->CatchFast(1);
    generations_ = sampler_->Generations();
  }
  warm_ = warm;
  pieces_ = {{clock_.Now(), TimePoint::max()}};
}

void Window::BeginNow() {
  if (sampler_) {
    sampler_->ExpectSlow();
    sampler_->CatchFast(0);
    generations_ = sampler_->Generations();
  }
  warm_.reset();
  pieces_ = {{clock_.Now(), TimePoint::max()}};
}

void Window::Pause() {
  pieces_.back().end = clock_.Now();
  if (sampler_) sampler_->CatchFast(0);
}

void Window::Resume() {
  if (sampler_) sampler_->CatchFast(0);
  pieces_.push_back({clock_.Now(), TimePoint::max()});
}

WindowEnergy Window::End() {
  pieces_.back().end = clock_.Now();
  if (!sampler_) return Evaluate();
  sampler_->CatchFast(2);
  const double elapsed_s = SecondsBetween(pieces_.front().begin, pieces_.back().end);
  if (elapsed_s >= kWorthWaiting_ticks * sampler_->SlowestTick()) sampler_->CatchSlowIdle();
  return Evaluate();
}

WindowEnergy Window::End(const std::function<void()>& work, const Goal& goal, int64_t* calls) {
  *calls = 0;
  const auto run = [&] {
    work();
    ++*calls;
  };
  const std::function<void()> counted = run;
  while (sampler_) {
    sampler_->CatchSlow(counted);
    pieces_.back().end = clock_.Now();
    sampler_->CatchFast(0);
    const WindowEnergy so_far = Evaluate();
    if (!so_far.total || so_far.elapsed_s >= goal.longest_s) break;
    const double error = so_far.total->err_j / so_far.total->joules;
    if (error <= goal.error) break;
    // The bound is about the same number of joules for a longer window.
    const double wanted_s = std::isfinite(error)
                                ? std::min(goal.longest_s, so_far.elapsed_s * error / goal.error)
                                : goal.longest_s;
    while (SecondsBetween(pieces_.front().begin, clock_.Now()) < wanted_s) run();
  }
  pieces_.back().end = clock_.Now();
  if (sampler_) sampler_->CatchFast(2);
  return Evaluate();
}

WindowEnergy Window::Evaluate() {
  WindowEnergy result;
  for (const Piece& piece : pieces_) result.elapsed_s += SecondsBetween(piece.begin, piece.end);
  result.paused_s = SecondsBetween(pieces_.front().begin, pieces_.back().end) - result.elapsed_s;
  if (!sampler_) return result;

  // Some ticks before the begin, for the power before the work.
  const double margin_s = 1 + 4 * sampler_->SlowestTick();
  const std::vector<Track> tracks = sampler_->TracksSince(Later(pieces_.front().begin, -margin_s));
  std::optional<Bounded> total;
  bool first_of_total = true;
  std::vector<std::vector<Segment>> segments;
  for (size_t m = 0; m < tracks.size(); ++m) {
    const MeterInfo& info = tracks[m].info();
    const bool lost = m >= generations_.size() || tracks[m].generation() != generations_[m];
    for (size_t d = 0; d < info.domains.size(); ++d) {
      if (info.domains[d].frozen) continue;
      const bool missed = lost || tracks[m].MissedSince(d, pieces_.front().begin);
      std::optional<Bounded> energy = missed ? std::nullopt : std::optional<Bounded>(Bounded{});
      std::vector<Segment> own;
      for (size_t p = 0; p < pieces_.size() && energy; ++p) {
        const DomainView view(tracks[m], d, pieces_[p].begin, pieces_[p].end,
                              p == 0 ? warm_ : std::nullopt);
        Add(energy, view.Energy());
        own.insert(own.end(), view.segments().begin(), view.segments().end());
      }
      if (energy) {
        result.domains.push_back({info.domains[d].name, info.domains[d].in_total, *energy});
      }
      if (!info.domains[d].in_total) continue;
      segments.push_back(std::move(own));
      if (first_of_total) {
        total = energy;
        first_of_total = false;
      } else {
        Add(total, energy);
      }
    }
    if (result.elapsed_s < kFewTicks * info.behaviour->tick_s) result.short_window = true;
  }
  result.total = total;
  result.peak_w = Peak(segments);
  return result;
}

}  // namespace wattline::energy
