import { useQuery } from "@tanstack/react-query";
import { api } from "../../lib/api";

/** The signed-in user with the session this page runs in. */
export const useMe = () => useQuery({ queryKey: ["me"], queryFn: () => api.me() });
