package org.sparkrnn.driver.cluster;

import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * SIGTERM, SIGINT (Ctrl-C) and SIGHUP (a closed terminal) as a {@link StopRequest}.
 *
 * <p>To be installed before the Spark context starts: otherwise the JVM would run Spark's shutdown
 * hooks, which stop the context under the running round, and exit with 143. {@code close} puts back
 * what was there. A signal that this process was started to ignore, as {@code nohup} does with
 * SIGHUP, stays ignored: the JVM sees to that.
 *
 * <p>{@code sun.misc.Signal} is supported on every JDK that we know (module jdk.unsupported) and
 * has no successor; javac warns about every mention of it and cannot be told not to, hence
 * reflection.
 */
public final class StopSignals implements AutoCloseable {
  private static final List<String> SIGNALS = List.of("TERM", "INT", "HUP");

  private final Map<Object, Object> handlersBefore = new LinkedHashMap<>();

  private StopSignals() {}

  public static StopSignals install(StopRequest request) {
    StopSignals signals = new StopSignals();
    for (String name : SIGNALS) {
      try {
        Object signal = signalClass().getConstructor(String.class).newInstance(name);
        Object handler =
            Proxy.newProxyInstance(
                StopSignals.class.getClassLoader(),
                new Class<?>[] {handlerClass()},
                (proxy, method, arguments) -> handle(name, request, proxy, method, arguments));
        signals.handlersBefore.put(signal, handleMethod().invoke(null, signal, handler));
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException("Cannot handle SIG" + name, e);
      }
    }
    return signals;
  }

  @Override
  public void close() {
    handlersBefore.forEach(
        (signal, handler) -> {
          try {
            handleMethod().invoke(null, signal, handler);
          } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("Cannot give back " + signal, e);
          }
        });
  }

  private static @Nullable Object handle(
      String name, StopRequest request, Object proxy, Method method, Object[] arguments) {
    return switch (method.getName()) {
      case "equals" -> proxy == arguments[0];
      case "hashCode" -> System.identityHashCode(proxy);
      case "toString" -> "stop after the round on SIG" + name;
      default -> {
        request.request("SIG" + name);
        yield null;
      }
    };
  }

  private static Class<?> signalClass() throws ClassNotFoundException {
    return Class.forName("sun.misc.Signal");
  }

  private static Class<?> handlerClass() throws ClassNotFoundException {
    return Class.forName("sun.misc.SignalHandler");
  }

  private static Method handleMethod() throws ReflectiveOperationException {
    return signalClass().getMethod("handle", signalClass(), handlerClass());
  }
}
