import { act, renderHook, waitFor } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { ApiProblem } from "./api";
import { useServerData } from "./useServerData";

const showTab = () => act(async () => document.dispatchEvent(new Event("visibilitychange")));
const goOnline = () => act(async () => window.dispatchEvent(new Event("online")));

/** A server whose responses are numbered, and the hook that asks it. */
function setup(maxAgeMs?: number) {
  const load = vi.fn(async () => load.mock.calls.length);
  return { load, ...renderHook(() => useServerData(load, maxAgeMs)) };
}

test("data is loading until it has arrived", async () => {
  const { result, load } = setup();
  expect(result.current).toMatchObject({ data: undefined, loading: true });

  await waitFor(() => expect(result.current).toMatchObject({ data: 1, loading: false }));
  expect(load).toHaveBeenCalledOnce();
});

test("a problem is kept until a load succeeds, and the data stays", async () => {
  const { result, load } = setup();
  await waitFor(() => expect(result.current.data).toBe(1));
  load.mockRejectedValueOnce(new ApiProblem({ code: "unavailable" }));

  await act(() => result.current.reload());
  expect(result.current).toMatchObject({ data: 1, problem: { code: "unavailable" } });

  await act(() => result.current.reload());
  expect(result.current).toMatchObject({ data: 3, problem: null });
});

test.each([
  ["back in view", showTab],
  ["online again", goOnline],
])("a tab that is %s loads the data again", async (_, happen) => {
  const { result } = setup();
  await waitFor(() => expect(result.current.data).toBe(1));

  await happen();

  expect(result.current.data).toBe(2);
});

test.each([
  ["hidden", () => vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden")],
  ["offline", () => vi.spyOn(navigator, "onLine", "get").mockReturnValue(false)],
])("a tab that is %s does not load", async (_, hide) => {
  const { result, load } = setup();
  await waitFor(() => expect(result.current.data).toBe(1));
  hide();

  await showTab();

  expect(load).toHaveBeenCalledOnce();
});

test("data younger than the maximum age is not loaded again", async () => {
  vi.useFakeTimers();
  const { result, load } = setup(60_000);
  await act(() => vi.advanceTimersByTimeAsync(0));
  act(() => result.current.replace(7));

  vi.advanceTimersByTime(59_999);
  await showTab();
  expect(result.current.data).toBe(7);
  expect(load).toHaveBeenCalledOnce();

  vi.advanceTimersByTime(1);
  await showTab();
  expect(result.current.data).toBe(2);
});

test("a page that is gone asks nothing", async () => {
  const { result, load, unmount } = setup();
  await waitFor(() => expect(result.current.data).toBe(1));

  unmount();
  await showTab();
  await goOnline();

  expect(load).toHaveBeenCalledOnce();
});
