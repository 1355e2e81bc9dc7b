package dev.modelwire.client;

import com.google.gson.Gson;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Which of modelwire's methods are tried again after which statuses, and how long each may take. */
public final class ServiceConfig {
  private ServiceConfig() {}

  /**
   * Reads the gRPC service config that comes with the stubs.
   *
   * @return what {@code ManagedChannelBuilder.defaultServiceConfig} takes; numbers in it are doubles
   */
  @SuppressWarnings("unchecked")
  public static Map<String, ?> load() {
    try (InputStream json = ServiceConfig.class.getResourceAsStream("service_config.json");
        Reader reader = new InputStreamReader(json, StandardCharsets.UTF_8)) {
      return new Gson().fromJson(reader, Map.class);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
