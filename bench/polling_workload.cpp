#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <deque>

#include "link.hpp"
#include "polling_object.hpp"
#include "polling_server.hpp"
#include "workload.hpp"

namespace tandem::bench {
namespace {

/// One device that polls: its copy of the object, its edits that the server does not have yet, and
/// one request at a time on a connection that is kept.
class Poller final : private Pollable {
  public:
    struct Setting {
        const Workload* workload = nullptr;
        PollingKind kind = PollingKind::last_writer;
        net::SocketAddress server;
        uint64_t poll_ns = 0;
        double scale = 1;
    };

    Poller(Loop& loop, const Setting& setting, size_t device, Ledger& ledger,
           std::vector<std::set<Cell>>& edited, std::string body, uint64_t start_ns)
        : loop_(loop),
          setting_(setting),
          device_(device),
          record_(setting.workload->devices[device].record),
          ledger_(ledger),
          edited_(edited),
          body_(std::move(body)),
          next_poll_ns_(start_ns +
                        static_cast<uint64_t>(
                            static_cast<double>(setting.workload->devices[device].phase_ms) * 1e6 /
                            setting.scale)) {
        auto fd = net::open_connection(setting.server);
        if (!fd) die("cannot connect");
        fd_ = *std::move(fd);
        loop_.add(fd_.get(), EPOLLIN, *this);
    }
    ~Poller() { loop_.remove(fd_.get()); }
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    void act(const WorkloadEvent& event) {
        std::optional<size_t> parent;
        if (is_register(event.cell.field))
            PollingObject::each_id(body_, event.cell, [&](size_t id) { parent = id; });
        const size_t id = ledger_.write(event, parent, ledger_.is_online(device_));
        edited_[record_].insert(event.cell);
        PollingObject::apply(body_, event.cell, id);
        waiting_.push_back(id);
        step();
    }

    /// Begins what is due. Offline, an answer that is on its way still arrives.
    void step() {
        if (request_ != Request::none || !ledger_.is_online(device_)) return;
        if (must_fetch_) return get();
        if (!waiting_.empty()) return put();
        if (now_ns() >= next_poll_ns_) get();
    }

    bool is_settled() const { return waiting_.empty() && request_ == Request::none; }
    uint64_t bytes() const { return bytes_; }
    uint64_t retries() const { return retries_; }

  private:
    enum class Request : uint8_t { none, get, put };

    void get() {
        // A retry's fetch does not move the rhythm; polls missed offline are not made up for.
        while (next_poll_ns_ <= now_ns())
            next_poll_ns_ += setting_.poll_ns;
        must_fetch_ = false;
        std::string head = "GET /" + std::to_string(record_) + " HTTP/1.1\r\nHost: bench\r\n";
        if (setting_.kind == PollingKind::etag && !etag_.empty())
            head += "If-None-Match: " + etag_ + "\r\n";
        begin(Request::get, head + "\r\n");
    }

    void put() {
        sent_ = waiting_.size();
        std::string head = "PUT /" + std::to_string(record_) +
                           " HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n";
        if (setting_.kind == PollingKind::etag) head += "If-Match: " + etag_ + "\r\n";
        head += "Content-Length: " + std::to_string(body_.size()) + "\r\n\r\n";
        begin(Request::put, head + body_);
    }

    void begin(Request request, std::string bytes) {
        request_ = request;
        started_ns_ = now_ns();
        out_ = std::move(bytes);
        out_at_ = 0;
        event_bytes_ = 0;
        in_.clear();
        flush();
    }

    void flush() {
        while (out_at_ < out_.size()) {
            const ssize_t sent =
                ::send(fd_.get(), out_.data() + out_at_, out_.size() - out_at_, MSG_NOSIGNAL);
            if (sent < 0) {
                if (errno != EAGAIN && errno != EINPROGRESS && errno != ENOTCONN)
                    die("the polling server is gone");
                return loop_.modify(fd_.get(), EPOLLIN | EPOLLOUT, *this);
            }
            out_at_ += static_cast<size_t>(sent);
            event_bytes_ += static_cast<size_t>(sent);
        }
        loop_.modify(fd_.get(), EPOLLIN, *this);
    }

    void on_io(uint32_t events) override {
        if ((events & EPOLLOUT) != 0) flush();
        if ((events & EPOLLIN) == 0) return;
        static std::vector<char> buffer(1U << 20);
        const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (got <= 0) die("the polling server has closed a connection");
        in_.append(buffer.data(), static_cast<size_t>(got));
        const size_t end = in_.find("\r\n\r\n");
        if (end == std::string::npos) return;
        const size_t length = number_after("\r\ncontent-length:", end);
        if (in_.size() < end + 4 + length) return;
        answer(end, length);
    }

    /// The value of a header field of the answer, whose name is given in lower case.
    std::string_view field_after(std::string_view name, size_t head_end) const {
        const auto same = [](char a, char b) {
            return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
        };
        const auto stop = in_.begin() + static_cast<std::ptrdiff_t>(head_end);
        const auto at = std::search(in_.begin(), stop, name.begin(), name.end(), same);
        if (at == stop) return {};
        const auto begin = static_cast<size_t>(at - in_.begin()) + name.size();
        const std::string_view rest(in_.data() + begin, in_.find("\r\n", begin) - begin);
        return rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
    }
    size_t number_after(std::string_view name, size_t head_end) const {
        const std::string_view text = field_after(name, head_end);
        size_t number = 0;
        std::from_chars(text.data(), text.data() + text.size(), number);
        return number;
    }

    void answer(size_t head_end, size_t length) {
        const int status = std::stoi(in_.substr(9, 3));
        event_bytes_ += head_end + 4 + length;
        bytes_ += event_bytes_;
        const Request request = request_;
        request_ = Request::none;
        const std::string etag(field_after("\r\netag:", head_end));
        if (request == Request::put && status == 204) {
            etag_ = etag;
            ledger_.put_event_bytes(static_cast<double>(event_bytes_));
            for (; sent_ > 0; --sent_) {
                ledger_.ack(waiting_.front());
                waiting_.pop_front();
            }
        } else if (request == Request::put && status == 412) {
            ++retries_;
            must_fetch_ = true;
        } else if (request == Request::get && status == 200) {
            etag_ = etag;
            take(std::string_view(in_).substr(head_end + 4, length));
        } else if (status != 304) {
            die("the polling server answered " + std::to_string(status));
        }
        step();
    }

    void take(std::string_view body) {
        if (setting_.kind == PollingKind::last_writer && !waiting_.empty()) {
            // An edit came in between: its copy of the object is sent, and replaces this one.
            return;
        }
        if (body == body_ && waiting_.empty()) return;
        const uint64_t done_ns = now_ns();
        bool is_new = false;
        for (const Cell& cell : edited_[record_]) {
            const size_t at = PollingObject::offset(cell);
            const size_t width = PollingObject::width(cell.field);
            if (body.compare(at, width, body_, at, width) == 0) continue;
            is_new = true;
            PollingObject::each_id(body, cell, [&](size_t id) {
                if (ledger_.see(id, device_)) ledger_.put_latency(latency_ms(id, done_ns));
            });
        }
        if (is_new) ledger_.put_event_bytes(static_cast<double>(event_bytes_));
        body_ = body;
        for (const size_t id : waiting_)
            PollingObject::apply(body_, ledger_.edit(id).cell, id);
    }

    /// Waiting for the next poll is what the time scale has shortened; transfers took what they
    /// take.
    double latency_ms(size_t id, uint64_t done_ns) const {
        const Ledger::Edit& edit = ledger_.edit(id);
        const uint64_t sent_ns = edit.acked_ns == 0 ? edit.written_ns : edit.acked_ns;
        if (started_ns_ <= sent_ns) return to_ms(done_ns - edit.written_ns);
        return to_ms(sent_ns - edit.written_ns) + to_ms(started_ns_ - sent_ns) * setting_.scale +
               to_ms(done_ns - started_ns_);
    }

    Loop& loop_;
    const Setting& setting_;
    size_t device_;
    size_t record_;
    Ledger& ledger_;
    std::vector<std::set<Cell>>& edited_;
    net::UniqueFd fd_;
    std::string body_;
    std::string etag_ = "\"1\"";
    std::deque<size_t> waiting_;  ///< edits that the server has not acknowledged
    size_t sent_ = 0;             ///< of them, in the PUT that is on its way
    Request request_ = Request::none;
    bool must_fetch_ = false;
    uint64_t next_poll_ns_ = 0;
    uint64_t started_ns_ = 0;
    std::string out_;
    size_t out_at_ = 0;
    std::string in_;
    size_t event_bytes_ = 0;
    uint64_t bytes_ = 0;
    uint64_t retries_ = 0;
};

}  // namespace

Report measure_polling_workload(const Arguments& arguments) {
    const Workload workload = read_workload(arguments.text("workload"));
    const double scale = static_cast<double>(arguments.number("scale", 60));
    std::vector<std::string> objects;
    for (size_t record = 0; record < workload.records; ++record)
        objects.push_back(PollingObject::initial(workload, record));
    Poller::Setting setting;
    setting.workload = &workload;
    setting.kind = arguments.text("kind") == "etag" ? PollingKind::etag : PollingKind::last_writer;
    PollingServer server(setting.kind, objects);
    setting.server = server.address();
    setting.scale = scale;
    setting.poll_ns = static_cast<uint64_t>(static_cast<double>(workload.poll_ms) * 1e6 / scale);
    Loop loop;
    Ledger ledger(workload);
    std::vector<std::set<Cell>> edited(workload.records);
    const uint64_t start = now_ns() + 100'000'000U;
    std::vector<std::unique_ptr<Poller>> pollers;
    for (size_t device = 0; device < workload.devices.size(); ++device)
        pollers.push_back(std::make_unique<Poller>(loop, setting, device, ledger, edited,
                                                   objects[workload.devices[device].record],
                                                   start));
    const auto run_to = [&](uint64_t at) {
        while (now_ns() < at) {
            loop.turn(std::min<uint64_t>(at - std::min(at, now_ns()), 2'000'000));
            for (const auto& poller : pollers)
                poller->step();
        }
    };
    uint64_t late_ns_max = 0;
    for (const WorkloadEvent& event : workload.events) {
        const uint64_t at =
            start + static_cast<uint64_t>(static_cast<double>(event.at_ms) * 1e6 / scale);
        run_to(at);
        late_ns_max = std::max(late_ns_max, now_ns() - at);
        if (event.action == Action::offline || event.action == Action::online)
            ledger.set_online(event.device, event.action == Action::online);
        else
            pollers[event.device]->act(event);
    }
    for (size_t device = 0; device < pollers.size(); ++device)
        if (!ledger.is_online(device)) ledger.set_online(device, true);
    run_to(now_ns() + 2 * setting.poll_ns);
    const uint64_t deadline = now_ns() + 30'000'000'000U;
    while (!std::all_of(pollers.begin(), pollers.end(),
                        [](const auto& poller) { return poller->is_settled(); })) {
        run_to(now_ns() + 1'000'000);
        if (now_ns() > deadline) die("the polling baseline did not settle");
    }
    Ledger::End end;
    for (size_t record = 0; record < workload.records; ++record) {
        const std::string& body = server.object(record);
        for (const Cell& cell : edited[record]) {
            PollingObject::each_id(body, cell, [&](size_t id) { end.shown.insert(id); });
            if (cell.field == kVotes)
                end.counters.emplace_back(cell, PollingObject::counter(body, cell));
        }
    }
    Report report;
    ledger.put_end(report, end);
    uint64_t bytes = 0;
    uint64_t retries = 0;
    for (const auto& poller : pollers) {
        bytes += poller->bytes();
        retries += poller->retries();
    }
    report.put("total_bytes", bytes);
    report.put("retries", retries);
    report.put("late_ms_max", to_ms(late_ns_max));
    report.put("object_bytes", static_cast<uint64_t>(objects[0].size()));
    return report;
}

}  // namespace tandem::bench
