#include "core/gateway/gateway.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include "core/gateway/hello.hpp"
#include "core/gateway/worker_blob.hpp"
#include "core/transport/diagnosis.hpp"
#include "core/transport/zygotes.hpp"
#include "core/wire/value.hpp"

namespace elsewhere::gateway {

namespace {

constexpr std::size_t nonce_size = 16;
constexpr std::size_t marker_size = nonce_size + 1 + 4; // then a sign, then a magic number
constexpr std::size_t most_junk = 65'536;
constexpr std::size_t telling = 6; // bytes of the nonce that do not come by chance
// A program that is over by then has no use for a zygote.
constexpr std::chrono::milliseconds zygote_delay(50);

using Nonce = std::array<std::uint8_t, nonce_size>;

Nonce make_nonce() {
    Nonce nonce{};
    while (::getrandom(nonce.data(), nonce.size(), 0) < 0 && errno == EINTR) {
    }
    return nonce;
}

// spec/bootstrap.md: nonce, magic, three numbers of ten digits, the blob.
wire::Buffer boot_bytes(const Nonce &nonce, const std::optional<Magic> &magic,
                        std::string_view early = {}) {
    const auto code = magic ? worker_code(*magic) : std::nullopt;
    const auto blob = code ? *code : worker_source();
    std::uint64_t sum = 0;
    for (const std::uint8_t byte : blob) sum += byte;
    std::array<char, 31> numbers{};
    std::snprintf(numbers.data(), numbers.size(), "%010zu%010llu%010zu", blob.size(),
                  static_cast<unsigned long long>(sum), early.size());
    const auto text = [](const char *data, std::size_t size) {
        return std::span(reinterpret_cast<const std::uint8_t *>(data), size);
    };
    wire::Buffer bytes;
    bytes.append(nonce);
    bytes.append(code ? std::span<const std::uint8_t>(*magic) : text("text", 4));
    bytes.append(text(numbers.data(), 30));
    bytes.append(blob);
    bytes.append(text(early.data(), early.size()));
    return bytes;
}

transport::Boot stage0() { return {std::string(worker_stage0())}; }

// Nothing where the spec asks for more than an interpreter that this process can name.
std::optional<transport::ZygoteRecipe> recipe_of(const transport::XSpec &spec,
                                                 const Settings &settings) {
    if (!settings.warm || !spec.has("popen") || spec.has("via")) return std::nullopt;
    transport::Command command = transport::command_for(spec, stage0(), settings.origin);
    if (!command.direct) return std::nullopt;
    std::string early = "zygote";
    early.append(1, '\0').append(settings.warm->engine).append(1, '\0').append(worker_zygote());
    early.append(1, '\0').append(settings.warm->environment);
    const wire::Buffer bytes = boot_bytes(make_nonce(), settings.magic, early);
    return transport::ZygoteRecipe{
        .argv = std::move(command.argv),
        .boot = {reinterpret_cast<const char *>(bytes.data()), bytes.size()},
        .environment = settings.warm->environment};
}

Fd duplicate(int fd) {
    Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (!copy) throw Error(ErrorKind::internal, "there are no file descriptors left");
    return copy;
}

} // namespace

template <class Attempt> Received Gateway::patiently(const Settings &settings, Attempt attempt) {
    Received result = attempt();
    while (result.wait == Wait::interrupted) {
        settings.interrupted();
        result = attempt();
    }
    return result;
}

Gateway::Gateway(const transport::XSpec &spec, Settings settings)
    : Endpoint(transport::place(spec)), carrier_(std::move(settings.carrier)),
      stream_(settings.carried ? transport::Stream(std::move(*settings.carried))
                               : begin(spec, settings)) {
    std::optional<Settings::Greeting> greeting;
    const bool said = settings.boots && !warm_ && boot(spec, settings, greeting);
    link_ = std::make_unique<Link>(duplicate(stream_.in()), duplicate(stream_.out()),
                                   mux::Side::controller, mux::Before{said ? 1U : 0U, 0},
                                   std::span<const std::uint8_t>{},
                                   settings.direct ? settings.direct() : nullptr);
    Received hello = patiently(settings, [&] { return link_->hello(); });
    if (hello.wait != Wait::done) fail(spec);
    hello_ = std::move(hello.message);
    if (!said) {
        greeting = settings.greet(&hello_);
        (void)link_->greet(std::move(greeting->hello));
    }
    if (greeting->engine) bring_engine(spec, std::move(*greeting), settings);
    if (why_pure_.empty() && spec.has("popen")) link_->share_memory();
    stop_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    stream_.errors().pass_on(STDERR_FILENO);
    errors_ = std::thread([this, beat = heartbeat_for(spec)] { attend(beat); });
    keep_zygote(spec, settings);
}

// By fork, where there is a zygote for it.
transport::Stream Gateway::begin(const transport::XSpec &spec, Settings &settings) {
    if (settings.warm) {
        const transport::Command command = transport::command_for(spec, stage0(), settings.origin);
        const auto zygote = transport::Zygotes::of_this_process().known(command.argv);
        if (zygote) {
            zygote_ = zygote->user();
            if (auto child = zygote->fork(settings.warm->environment, settings.warm->occasion)) {
                warm_ = true;
                return transport::Stream(std::move(*child), command.keyboard);
            }
            zygote_.reset();
        }
    }
    return transport::launch(spec, stage0(), settings.origin);
}

// For those that come later; this one is there already and is not to be slowed down.
void Gateway::keep_zygote(const transport::XSpec &spec, const Settings &settings) {
    if (zygote_) return;
    const auto recipe = recipe_of(spec, settings);
    if (!recipe) return;
    const auto zygote = transport::Zygotes::of_this_process().get(*recipe, zygote_delay);
    if (zygote) zygote_ = zygote->user();
}

std::string prestart(const transport::XSpec &spec, const Settings &settings, bool stays) {
    const auto recipe = recipe_of(spec, settings);
    if (!recipe) return "this spec does not name a Python that can be forked";
    const auto zygote =
        transport::Zygotes::of_this_process().get(*recipe, std::chrono::milliseconds(0));
    if (!zygote) return "that Python cannot be forked";
    const auto user = zygote->user();
    if (stays) zygote->hold();
    switch (zygote->settled(transport::Zygote::patience)) {
    case transport::Zygote::State::ready: return {};
    case transport::Zygote::State::starting: return "it does not start";
    default: return zygote->why();
    }
}

// Until the worker has said what it is.
void Gateway::bring_engine(const transport::XSpec &spec, Settings::Greeting greeting,
                           const Settings &settings) {
    const auto verdict = [&] {
        const Received came = patiently(settings, [&] { return link_->verdict(); });
        if (came.wait != Wait::done) {
            const auto over = link_->over();
            if (!over || over->kind() != ErrorKind::remote) fail(spec);
            // The worker has said why: it cannot follow the hello.
            throw Error(ErrorKind::disconnected,
                        place_ + ": the Python there ended: " + over->what(),
                        "see what the spec asks for");
        }
        auto said = wire::decode(came.message.bytes.span(), came.message.extended);
        const std::string *text = said.ok() ? said.value().as<std::string>() : nullptr;
        return text != nullptr ? *text : std::string("its verdict is no text");
    };
    why_pure_ = verdict();
    if (why_pure_ == "other") { // than the one that was believed in
        greeting = settings.greet(&hello_).value();
        (void)link_->offer_again(greeting.hello.joined());
        why_pure_ = greeting.engine ? verdict() : "no engine was offered";
    }
    if (why_pure_ != "need") return;
    const std::string engine = greeting.engine();
    (void)link_->send_engine(
        {reinterpret_cast<const std::uint8_t *>(engine.data()), engine.size()});
    why_pure_ = verdict();
}

Gateway::~Gateway() { close(std::chrono::milliseconds(500)); }

bool Gateway::boot(const transport::XSpec &spec, const Settings &settings,
                   std::optional<Settings::Greeting> &greeting) {
    const Nonce nonce = make_nonce();
    std::string early;
    if (settings.magic && (greeting = settings.greet(nullptr))) {
        const wire::Buffer hello = greeting->hello.joined();
        early.resize(wire::header_size);
        wire::encode({.size = static_cast<std::uint32_t>(hello.size()),
                      .kind = wire::Kind::hello,
                      .sequence = 1},
                     reinterpret_cast<std::uint8_t *>(early.data()));
        early.append(reinterpret_cast<const char *>(hello.data()), hello.size());
    }
    write(boot_bytes(nonce, settings.magic, early), settings);
    settings.meanwhile();
    const std::string awaited(nonce.rbegin(), nonce.rend());
    // So much of it, but not the whole, is no chance: the rest will never come.
    const auto check = [&](bool torn) {
        if (torn ||
            (junk_.size() >= telling && std::string_view(junk_).substr(junk_.size() - telling) ==
                                            std::string_view(awaited).substr(nonce_size - telling)))
            throw Error(ErrorKind::protocol,
                        place_ + ": what the Python there answered arrived changed",
                        "something there writes to the connection, or changes bytes on the way");
    };
    for (bool asked_again = false;;) {
        // Never more than the marker may still need: what follows is the link's.
        std::array<std::uint8_t, marker_size> marker{};
        std::size_t matched = 0; // of the nonce backwards
        while (matched < nonce_size) {
            std::uint8_t byte = 0;
            // A byte at a time while there may be junk, the rest at once.
            if (matched == 0 && !read(&byte, 1, settings)) fail(spec);
            if (matched == 0) {
                if (byte == nonce[nonce_size - 1]) {
                    matched = 1;
                    marker[0] = byte;
                } else {
                    junk_.push_back(static_cast<char>(byte));
                    check(false);
                }
                if (junk_.size() > most_junk) fail(spec);
                continue;
            }
            if (!read(marker.data() + matched, nonce_size - matched, settings)) fail(spec);
            if (std::equal(marker.begin(), marker.begin() + nonce_size, nonce.rbegin())) {
                matched = nonce_size;
                break;
            }
            check(std::equal(
                awaited.begin(), awaited.begin() + telling, marker.begin(),
                [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; }));
            // Not it: its first byte was junk, look on in the rest.
            std::size_t start = 1;
            while (start < nonce_size &&
                   !std::equal(marker.begin() + start, marker.begin() + nonce_size, nonce.rbegin()))
                ++start;
            for (std::size_t i = 0; i < start; ++i) {
                junk_.push_back(static_cast<char>(marker[i]));
                check(false);
            }
            std::copy(marker.begin() + start, marker.begin() + nonce_size, marker.begin());
            matched = nonce_size - start;
        }
        if (!read(marker.data() + nonce_size, marker_size - nonce_size, settings)) fail(spec);
        const char sign = static_cast<char>(marker[nonce_size]);
        if (sign == '+') return !early.empty();
        if (sign != '?' || asked_again)
            throw Error(ErrorKind::protocol,
                        place_ + ": what was sent to the Python there arrived changed",
                        "something on the way changes bytes");
        asked_again = true;
        early.clear(); // it was for another Python
        Magic magic;
        std::copy(marker.end() - 4, marker.end(), magic.begin());
        write(boot_bytes(nonce, worker_code(magic) ? std::optional(magic) : std::nullopt),
              settings);
    }
}

void Gateway::write(const wire::Buffer &bytes, const Settings &settings) {
    for (std::size_t at = 0; at < bytes.size();) {
        const ssize_t n = ::write(stream_.out(), bytes.data() + at, bytes.size() - at);
        if (n > 0) {
            at += static_cast<std::size_t>(n);
        } else if (errno == EINTR) {
            settings.interrupted();
        } else if (errno == EAGAIN) {
            pollfd room{stream_.out(), POLLOUT, 0};
            if (::poll(&room, 1, -1) < 0) settings.interrupted();
        } else {
            return; // it has ended; reading will tell
        }
    }
}

bool Gateway::read(void *to, std::size_t size, const Settings &settings) {
    auto *at = static_cast<std::uint8_t *>(to);
    while (size > 0) {
        std::array<pollfd, 2> watched = {
            {{stream_.in(), POLLIN, 0}, {stream_.errors().fd(), POLLIN, 0}}};
        if (::poll(watched.data(), watched.size(), -1) < 0) {
            settings.interrupted();
            continue;
        }
        if (watched[1].revents != 0) stream_.errors().take();
        if (watched[0].revents == 0) continue;
        const ssize_t n = ::read(stream_.in(), at, size);
        if (n == 0) return false;
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (n < 0) return false;
        at += n;
        size -= static_cast<std::size_t>(n);
    }
    return true;
}

void Gateway::fail(const transport::XSpec &spec) {
    link_.reset();
    const transport::Exit exit = stream_.end(std::chrono::seconds(2));
    throw transport::why_it_failed(spec, exit, stream_.errors().text(), junk_).error;
}

// Passes on what is said on stderr, and gives signs of life.
void Gateway::attend(std::chrono::seconds heartbeat) {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    bool beats = heartbeat.count() > 0;
    auto next = Clock::now() + heartbeat;
    const auto errors = [this] {
        const std::lock_guard lock(taking_);
        return stream_.errors().fd();
    };
    for (int fd = errors(); fd >= 0 || beats; fd = errors()) {
        if (beats && Clock::now() >= next) {
            next = Clock::now() + heartbeat;
            beats = link_->ping(Clock::now() + std::chrono::seconds(1)) != Wait::closed;
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now());
        std::array<pollfd, 2> watched = {{{fd, POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
        const int patience = static_cast<int>(std::max<long>(left.count(), 0));
        if (::poll(watched.data(), watched.size(), beats ? patience : -1) <= 0) continue;
        if (watched[1].revents != 0) return;
        const std::lock_guard lock(taking_);
        if (watched[0].revents != 0) stream_.errors().take();
    }
}

Fd Gateway::take_errors() {
    const std::lock_guard lock(taking_);
    return stream_.errors().release();
}

void Gateway::close(std::chrono::milliseconds timeout) noexcept {
    if (closed_.exchange(true)) return;
    try {
        if (link_) {
            const auto end = Clock::now() + timeout;
            while (link_->terminate(end) == Wait::interrupted) {
            }
            link_->end(closed());
        }
        if (errors_.joinable()) {
            const std::uint64_t one = 1;
            if (::write(stop_.get(), &one, sizeof one) < 0) {
            } // it cannot be full
            errors_.join();
        }
        drop();
        const std::lock_guard lock(taking_);
        (void)stream_.end(timeout);
        zygote_.reset();
    } catch (...) {
        // What cannot be ended here ends with its stream.
    }
}

} // namespace elsewhere::gateway
